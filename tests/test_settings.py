"""Settings: read from the environment, all problems at once, secrets never shown."""

from pathlib import Path
from typing import Any

import pytest

from ratelimit.core.errors import ConfigError
from ratelimit.cores import usable_cores
from ratelimit.setting_value import Secret, TcpAddress, UnixAddress, place_of
from ratelimit.settings import Settings, documented, read_settings

KEY = "0123456789abcdef" * 4
TOKEN = "a-token-that-is-long-enough"
WEBHOOK = "whsec_" + "ab+/" * 10


def settings(**variables: str) -> Settings:
    return read_settings({f"RATELIMIT_{name}": value for name, value in variables.items()}, Path("/nowhere"))


def problems(**variables: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        settings(**variables)
    return caught.value.problems


def test_defaults() -> None:
    """An empty environment is enough."""
    found = settings()
    assert (found.gateway, found.operator) == (TcpAddress("127.0.0.1", 8080), TcpAddress("127.0.0.1", 8081))
    assert (found.data, found.policy, found.redis_url, found.store_key) == (Path("ratelimit-data"), None, None, None)
    assert (found.expected_sidecars, found.deadline_ms, found.late_ms, found.max_subjects, found.max_profiles) == (
        1,
        10,
        0,
        100_000,
        1_000_000,
    )
    assert found.workers == 1
    assert (found.ip_lists, found.countries) == (None, None)
    assert (found.log_level, found.log_format, found.gateway_token, found.operator_token) == ("info", "console", None, None)
    assert found.warnings == []


@pytest.mark.parametrize(
    ("text", "address", "written"),
    [
        ("0.0.0.0:80", TcpAddress("0.0.0.0", 80), "0.0.0.0:80"),
        ("[::1]:8080", TcpAddress("::1", 8080), "[::1]:8080"),
        ("localhost:0", TcpAddress("localhost", 0), "localhost:0"),
        ("unix:/run/rl.sock", UnixAddress(Path("/run/rl.sock")), "unix:/run/rl.sock"),
    ],
)
def test_addresses(text: str, address: TcpAddress | UnixAddress, written: str) -> None:
    """An address is a host and a port, IPv6 in brackets, or a Unix socket; it is written as it is read."""
    found = settings(GATEWAY=text).gateway
    assert (found, str(found)) == (address, written)


@pytest.mark.parametrize(
    "text", ["8080", ":8080", "::1:8080", "host:", "host:x", "host:70000", "host:٣", "[::1]", "[host]:1", "unix:rel", "unix:"]
)
def test_no_address(text: str) -> None:
    """What is no address is refused with the forms that are."""
    (problem,) = problems(OPERATOR=text)
    assert problem.startswith(f"RATELIMIT_OPERATOR: {text!r} is not allowed; expected ")


@pytest.mark.parametrize(
    ("variables", "problem"),
    [
        ({"DEADLINE_MS": "0"}, "RATELIMIT_DEADLINE_MS: '0' is not allowed; expected an integer from 1 to 1000"),
        ({"DEADLINE_MS": "10ms"}, "RATELIMIT_DEADLINE_MS: '10ms' is not allowed; expected an integer from 1 to 1000"),
        ({"WORKERS": "0"}, "RATELIMIT_WORKERS: '0' is not allowed; expected an integer from 1 to 256, or auto"),
        ({"EXPECTED_SIDECARS": "9" * 5_000}, "RATELIMIT_EXPECTED_SIDECARS: '99"),
        ({"LOG_LEVEL": "loud"}, "RATELIMIT_LOG_LEVEL: 'loud' is not allowed; expected one of debug, info, warning, error"),
        ({"GATEWY": "x"}, "RATELIMIT_GATEWY: is not a setting (did you mean 'RATELIMIT_GATEWAY'?); unset it"),
        ({"PORT_X\n": "x"}, r"RATELIMIT_PORT_X\n: is not a setting"),
        ({"REDIS_URL": "localhost:6379", "STORE_KEY": KEY}, "RATELIMIT_REDIS_URL: what is set is not allowed; expected redis://HOST"),
        ({"REDIS_URL": "redis://h:x", "STORE_KEY": KEY}, "RATELIMIT_REDIS_URL: what is set is not allowed; expected redis://HOST"),
        ({"REDIS_URL": "redis://store"}, "RATELIMIT_STORE_KEY: is not set, and RATELIMIT_REDIS_URL is; expected the same 64"),
        ({"STORE_KEY": "abc"}, "RATELIMIT_STORE_KEY: what is set is not allowed; expected 64 hexadecimal digits"),
        ({"WEBHOOK_URL": "https://site/hooks"}, "RATELIMIT_WEBHOOK_SECRET: is not set, and RATELIMIT_WEBHOOK_URL is; expected what"),
        ({"WEBHOOK_SECRET": "whsec_c2hvcnQ="}, "RATELIMIT_WEBHOOK_SECRET: what is set is not allowed; expected whsec_ and 24 to 64 bytes"),
        ({"WEBHOOK_SECRET": f"{WEBHOOK},{WEBHOOK},{WEBHOOK}"}, "RATELIMIT_WEBHOOK_SECRET: what is set is not allowed; expected whsec_"),
        ({"WEBHOOK_SECRET": WEBHOOK[1:]}, "RATELIMIT_WEBHOOK_SECRET: what is set is not allowed; expected whsec_ and 24 to 64 bytes"),
        ({"GATEWAY_TOKEN": "short"}, "RATELIMIT_GATEWAY_TOKEN: what is set is not allowed; expected at least 16"),
    ],
)
def test_problem(variables: dict[str, str], problem: str) -> None:
    """Each problem says which variable, what was found and what would do; what may be a secret is not repeated."""
    (found,) = problems(**variables)
    assert found.startswith(problem)


def test_workers() -> None:
    """A number, or as many as there are cores to use."""
    assert settings(WORKERS="3").workers == 3
    assert settings(WORKERS="Auto").workers == usable_cores()


def test_all_problems_at_once() -> None:
    """Every wrong variable is named in one go."""
    assert len(problems(GATEWAY="x", LATE_MS="-1", NOPE="1", LOG_FORMAT="xml", STORE_KEY="x")) == 5


def test_kubernetes_and_test_variables_are_no_mistakes() -> None:
    """What Kubernetes sets for a Service whose name begins with `ratelimit`, and what tests set, is left aside."""
    links = {
        "PORT": "tcp://10.0.0.1:80",
        "SERVICE_HOST": "10.0.0.1",
        "GATEWAY_PORT_80_TCP_ADDR": "10.0.0.1",
        "GATEWAY_SERVICE_PORT_HTTP": "80",
    }
    assert settings(**links, REQUIRE_ALL="1") == settings()


def test_empty_is_unset() -> None:
    """A variable set to nothing means its default, as compose files have it."""
    assert settings(REDIS_URL="", GATEWAY=" ", GATEWAY_TOKEN="") == settings()


def test_store(tmp_path: Path) -> None:
    """A store of one's own comes with its key, and both are revealed only when asked."""
    found = settings(REDIS_URL="rediss://:hunter2@store:6380/1", STORE_KEY=KEY, DATA=str(tmp_path))
    assert found.redis_url is not None
    assert found.store_key is not None
    assert found.redis_url.reveal() == "rediss://:hunter2@store:6380/1"
    assert found.store_key.reveal() == bytes.fromhex(KEY)
    assert found.data == tmp_path


@pytest.mark.parametrize("url", ["https://site.example/hooks?key=1", "http://127.0.0.1:9000/", "http://[::1]/x", "http://localhost/x"])
def test_webhook(url: str) -> None:
    """Webhooks go by TLS, or stay on this machine; one secret or two, while the receiver changes over."""
    found = settings(WEBHOOK_URL=url, WEBHOOK_SECRET=f"{WEBHOOK}, {WEBHOOK}AAAA")
    assert found.webhook_url is not None
    assert found.webhook_secret is not None
    assert (found.webhook_url.reveal(), found.webhook_secret.reveal()) == (url, (WEBHOOK, WEBHOOK + "AAAA"))
    assert "site" not in repr(found)
    assert WEBHOOK not in repr(found)


@pytest.mark.parametrize("url", ["http://site.example/hooks", "http://10.0.0.7/", "ftp://127.0.0.1/", "https://", "https://h:x/", "hooks"])
def test_webhook_in_the_clear(url: str) -> None:
    """What others could read on its way, and what is no URL, is refused with what would do, and is not repeated."""
    (problem,) = problems(WEBHOOK_URL=url, WEBHOOK_SECRET=WEBHOOK)
    assert problem.startswith("RATELIMIT_WEBHOOK_URL: what is set is not allowed; expected an https:// URL")


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("https://Console.example.com", "https://console.example.com"),
        ("https://console.example.com:8443/", "https://console.example.com:8443"),
        ("http://localhost:8081", "http://localhost:8081"),
        ("http://[::1]:8081", "http://[::1]:8081"),
    ],
)
def test_console(text: str, origin: str) -> None:
    """It is an origin."""
    assert settings(CONSOLE_URL=text).console_url == origin


@pytest.mark.parametrize(
    "text",
    "console http://console.example.com https:// https://a/path https://me:secret@a https://a?b https://a#b https://a:0 https://[a "
    "ftp://a https://a\\b https://ä".split(),
)
def test_no_console(text: str) -> None:
    """A path, a user, another scheme, or the clear beyond this machine are refused, and not repeated."""
    (problem,) = problems(CONSOLE_URL=text)
    assert problem.startswith("RATELIMIT_CONSOLE_URL: what is set is not allowed; expected https:// and a host")


def test_timezone() -> None:
    """The console's times are UTC, or those of a zone that there is."""
    assert settings().console_timezone == "UTC"
    assert settings(CONSOLE_TIMEZONE="Europe/Berlin").console_timezone == "Europe/Berlin"


@pytest.mark.parametrize("text", ["Berlin", "Europe", "../UTC", "/etc/localtime", "UTC+1", "Europe/Berlin\x00"])
def test_no_timezone(text: str) -> None:
    """A zone that there is not is said at the start."""
    (problem,) = problems(CONSOLE_TIMEZONE=text)
    assert problem.startswith("RATELIMIT_CONSOLE_TIMEZONE: ")
    assert problem.endswith("is not allowed; expected the name of a time zone, such as Europe/Berlin or UTC")


def test_secrets_are_not_shown() -> None:
    """No way of printing settings shows a secret."""
    found = settings(REDIS_URL="redis://:hunter2@store", STORE_KEY=KEY, GATEWAY_TOKEN=TOKEN, OPERATOR_TOKEN=TOKEN)
    for written in (repr(found), str(found), f"{found.store_key}", f"{[found.gateway_token]}"):
        assert not any(secret in written for secret in ("hunter2", KEY, TOKEN, str(bytes.fromhex(KEY))))
    assert repr(Secret("x")) == "Secret(…)"


def test_policy_file_is_found(tmp_path: Path) -> None:
    """Without RATELIMIT_POLICY the file beside us counts, if there is one; a file that was named counts even where it is missing."""
    assert read_settings({}, tmp_path).policy is None
    (tmp_path / "ratelimit.yaml").touch()
    assert read_settings({}, tmp_path).policy == tmp_path / "ratelimit.yaml"
    assert read_settings({"RATELIMIT_POLICY": "/gone.yaml"}, tmp_path).policy == Path("/gone.yaml")


@pytest.mark.parametrize(
    ("variables", "count"),
    [
        ({"OPERATOR": "0.0.0.0:8081"}, 1),
        ({"OPERATOR": "0.0.0.0:8081", "OPERATOR_TOKEN": TOKEN}, 0),
        ({"OPERATOR": "[::]:8081", "GATEWAY": "gateway.internal:8080"}, 2),
        ({"OPERATOR": "localhost:8081", "GATEWAY": "unix:/run/rl.sock"}, 0),
        ({"GATEWAY": "127.9.9.9:1"}, 0),
    ],
)
def test_open_lanes_are_warned_of(variables: dict[str, str], count: int) -> None:
    """A lane that other machines reach without a token works, with a warning."""
    assert len(settings(**variables).warnings) == count


def test_documentation_knows_every_variable() -> None:
    """The documented variables are the fields of Settings, each with a default and a meaning."""
    fields: tuple[Any, ...] = Settings.__struct_fields__
    assert [entry.name for entry in documented()] == [f"RATELIMIT_{name.upper()}" for name in fields]
    assert all(entry.default and entry.meaning for entry in documented())


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("postgresql://ada:hunter2@db.internal:5432/ledger?ssl=on&password=hunter2", "postgresql://db.internal:5432/ledger"),
        ("sqlite:////var/lib/ledger.db", "sqlite:////var/lib/ledger.db"),
        ("rediss://:hunter2@[::1]:6379/1", "rediss://[::1]:6379/1"),
        ("unix:///run/store.sock?db=1", "unix:///run/store.sock"),
    ],
)
def test_where_a_server_is(url: str, place: str) -> None:
    """People are told where it is, and never with what one gets in."""
    assert place_of(url) == place
