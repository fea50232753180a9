"""An index of the parts of subjects' names, kept by triggers, and purchases by a card's last four."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_PLACES = ", ".join(f"({place})" for place in range(2, 65))  # of a name, where parts begin
# {c}: PostgreSQL's word for the order and the small letters of bytes. The short parts are those of every kind, the long ones of some.
_SHORT = """
SELECT substr(lower({row}.shown{c}), 1, 40) AS part, {row}.id AS subject {rows} WHERE {row}.shown <> ''
UNION SELECT substr(lower({row}.value{c}), 1, 40), {row}.id {rows} WHERE {row}.value <> ''
UNION SELECT lower(substr({row}.shown, length({row}.shown) - 3){c}), {row}.id {rows} WHERE {row}.kind = 'card' AND length({row}.shown) > 4
"""
_LONG = """
UNION SELECT substr(lower({row}.shown{c}), place.column1, 40), {row}.id FROM {also} (VALUES {places}) AS place
WHERE place.column1 < length({row}.shown) AND ({row}.kind <> 'email' OR substr({row}.shown, place.column1) LIKE '%@%')
    AND {row}.kind IN {kinds}
"""
_KINDS = "('account', 'email', 'email_domain')"


def upgrade() -> None:
    """Make the table, fill it, and let the database keep it."""
    is_sqlite = op.get_context().dialect.name == "sqlite"
    op.create_table(
        "subject_part",
        sa.Column("part", sa.String(length=40) if is_sqlite else sa.String(length=40, collation="C"), nullable=False),
        sa.Column("subject", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("part", "subject", name=op.f("pk_subject_part")),
        sqlite_with_rowid=False,
    )
    parts = _parts("subject", is_sqlite=is_sqlite, rows="FROM subject", also="subject,")
    op.execute(f"INSERT INTO subject_part (part, subject) SELECT part, subject FROM ({parts}) AS it ORDER BY part, subject")  # noqa: S608
    op.create_index("ix_case__names", "case_", ["number", "state", "anchor", "beside"], unique=False)
    op.create_index(op.f("ix_purchase_last4_at"), "purchase", ["last4", "at"], unique=False)
    for statement in _sqlite() if is_sqlite else _postgresql():
        op.execute(statement)


def downgrade() -> None:
    """Drop them."""
    is_sqlite = op.get_context().dialect.name == "sqlite"
    for name in _sqlite_names() if is_sqlite else ("made", "renamed"):
        op.execute(f"DROP TRIGGER subject_part_{name}" + ("" if is_sqlite else " ON subject"))
    if not is_sqlite:
        op.execute("DROP FUNCTION subject_part_keep()")
    op.drop_index(op.f("ix_purchase_last4_at"), "purchase")
    op.drop_index("ix_case__names", "case_")
    op.drop_table("subject_part")


def _parts(row: str, *, is_sqlite: bool, long: bool = True, rows: str = "", also: str = "") -> str:
    """The parts of one row that a trigger is about, or of all `rows`."""
    text = _SHORT + _LONG if long else _SHORT
    return text.format(row=row, rows=rows, also=also, places=_PLACES, kinds=_KINDS, c="" if is_sqlite else ' COLLATE "C"')


def _sqlite_names() -> list[str]:
    return [f"{what}_{kind}" for what in ("made", "renamed", "gone") for kind in ("short", "long")]


def _sqlite() -> list[str]:
    """Triggers for kinds with few parts, and for those with many, which cost more."""
    found: list[str] = []
    for kind, long in (("short", False), ("long", True)):
        of = f"IN {_KINDS}" if long else f"NOT IN {_KINDS}"
        old, new = (_parts(row, is_sqlite=True, long=long) for row in ("old", "new"))
        forget = f"DELETE FROM subject_part WHERE (part, subject) IN ({old});"  # noqa: S608  our own words
        keep = f"INSERT INTO subject_part (part, subject) {new};"
        renamed = "(old.shown IS NOT new.shown OR old.value IS NOT new.value)"
        found += [
            f"CREATE TRIGGER subject_part_made_{kind} AFTER INSERT ON subject WHEN new.kind {of} BEGIN {keep} END",
            f"CREATE TRIGGER subject_part_renamed_{kind} AFTER UPDATE OF shown, value ON subject WHEN new.kind {of} AND {renamed} "
            f"BEGIN {forget} {keep} END",
            f"CREATE TRIGGER subject_part_gone_{kind} AFTER DELETE ON subject WHEN old.kind {of} BEGIN {forget} END",
        ]
    return found


def _postgresql() -> list[str]:
    old, new = (_parts(row, is_sqlite=False) for row in ("OLD", "NEW"))
    forget = f"DELETE FROM subject_part WHERE (part, subject) IN ({old});"  # noqa: S608  our own words
    keep = f"INSERT INTO subject_part (part, subject) {new};"
    body = f"BEGIN IF TG_OP <> 'INSERT' THEN {forget} END IF; IF TG_OP <> 'DELETE' THEN {keep} END IF; RETURN NULL; END"
    each = "FOR EACH ROW {when}EXECUTE FUNCTION subject_part_keep()"
    renamed = "WHEN ((OLD.shown, OLD.value) IS DISTINCT FROM (NEW.shown, NEW.value)) "
    return [
        f"CREATE FUNCTION subject_part_keep() RETURNS trigger LANGUAGE plpgsql AS $$ {body} $$",
        f"CREATE TRIGGER subject_part_made AFTER INSERT OR DELETE ON subject {each.format(when='')}",
        f"CREATE TRIGGER subject_part_renamed AFTER UPDATE OF shown, value ON subject {each.format(when=renamed)}",
    ]
