"""The words for what people do about subjects, and how far that got; see review/deed."""

from typing import Literal

DeedThen = Literal[
    "block", "throttle", "allow", "hold", "release", "revoke", "rotate_key", "refund", "report_fraud", "label", "known_normal"
]  # fmt: skip
# intended and undoing: written down, and the store is yet to be told. proposed: in force for a while, and waits for a second person
# to last. replaced: a later one took its place. done: nothing of it stands that could end
ActionState = Literal["intended", "in_force", "proposed", "done", "replaced", "expired", "undoing", "undone", "failed"]
LabelVerdict = Literal["fraud", "abuse", "first_party_dispute", "victim", "good", "unclear"]
