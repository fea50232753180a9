"""The house keeps its own rules: size of files, direction of imports, a pure core, and a wheel and manifests that hold what they should."""

import ast
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from zipfile import ZipFile

import pytest
import yaml

from ratelimit import __version__
from ratelimit.core.policy_file import parse_policy

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "ratelimit"
CORE = sorted((PACKAGE / "core").rglob("*.py"))
MAX_LINES = 350
ASKED_FOR = [
    "pyproject.toml",
    "ratelimit",
    "models",
    "tests",
    "bench",
    "Dockerfile",
    "k8s",
    "Makefile",
    ".ci/run",
    "README.md",
    "CHANGELOG.md",
    "LICENSE",
]
VERBS = ["serve", "test", "check", "bench", "load", "scale", "deps"]
# what a pure function cannot call: it would read or write something beside its arguments
IMPURE_CALLS = {"open", "print", "input", "breakpoint", "exec", "eval"}


def written() -> Iterator[Path]:
    """Every file that people write and read here, our own and no library's."""
    for folder in (PACKAGE, ROOT / "tests", ROOT / "bench", ROOT / "k8s"):
        for pattern in ("*.py", "*.lua", "*.yaml", "*.html"):
            yield from (path for path in folder.rglob(pattern) if not any(part.startswith(".") for part in path.relative_to(ROOT).parts))


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def documents(name: str) -> list[dict[str, object]]:
    return list(yaml.safe_load_all((ROOT / "k8s" / name).read_text(encoding="utf-8")))


@pytest.mark.parametrize("name", ASKED_FOR)
def test_top_level(name: str) -> None:
    """The top level holds what was asked for."""
    assert (ROOT / name).exists()


def test_files_are_small() -> None:
    """No file is longer than what one sitting can read."""
    lines = {str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines()) for path in written()}
    assert {name: count for name, count in lines.items() if count > MAX_LINES} == {}
    assert len(lines) > len(CORE)


def test_packages_are_empty() -> None:
    """An `__init__.py` holds nothing, save the root's version: importing a module runs that module alone."""
    assert [path for path in PACKAGE.rglob("__init__.py") if path.parent != PACKAGE and path.read_text(encoding="utf-8").strip()] == []


def test_imports_stand_on_top() -> None:
    """Imports are absolute and stand at the head of a file, where the import contracts and a reader see them."""
    hidden = []
    for path in sorted(PACKAGE.rglob("*.py")):
        module = tree(path)
        choices = [node for node in module.body if isinstance(node, ast.If)]
        on_top = {id(node) for block in (module.body, *(part for it in choices for part in (it.body, it.orelse))) for node in block}
        for node in ast.walk(module):
            relative = isinstance(node, ast.ImportFrom) and node.level > 0
            if isinstance(node, ast.Import | ast.ImportFrom) and (id(node) not in on_top or relative):
                hidden.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert hidden == []


@pytest.mark.parametrize("path", CORE, ids=lambda path: path.name)
def test_core_is_pure(path: Path) -> None:
    """The core has no coroutine and calls nothing that reads or writes; what it may import is a contract in pyproject.toml."""
    for node in ast.walk(tree(path)):
        assert not isinstance(node, ast.AsyncFunctionDef | ast.Await | ast.Global), f"line {getattr(node, 'lineno', '?')}"
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in IMPURE_CALLS, f"line {node.lineno} calls {node.func.id}"


def test_import_contracts() -> None:
    """Imports go one way, and the core imports no clock, loop, network or log."""
    done = subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-logo"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_wheel_is_whole(tmp_path: Path) -> None:
    """The wheel holds every file of the package, scripts, policy and pages too, and the command."""
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path], cwd=ROOT, capture_output=True, check=True)
    (wheel,) = tmp_path.glob(f"ratelimit_sidecar-{__version__}-*.whl")
    ours = {str(path.relative_to(ROOT)) for path in PACKAGE.rglob("*") if path.is_file() and "__pycache__" not in path.parts}
    with ZipFile(wheel) as archive:
        names = set(archive.namelist())
        commands = archive.read(f"ratelimit_sidecar-{__version__}.dist-info/entry_points.txt").decode()
    assert ours - names == set()
    assert any(name.endswith(".lua") for name in names)
    assert "ratelimit = ratelimit.__main__:main" in commands


@pytest.mark.parametrize("verb", VERBS)
def test_verb_has_help(verb: str) -> None:
    """`make help` says in one line what each verb does."""
    done = subprocess.run(["make", "--no-print-directory", "help"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert [line for line in done.stdout.splitlines() if line.startswith(f"  make {verb} ")]


def test_ci_runs_what_the_readme_says() -> None:
    """CI runs the README's test command, with nothing skipped."""
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert "make test" in (ROOT / "README.md").read_text(encoding="utf-8")
    assert "RATELIMIT_REQUIRE_ALL=1 make test" in script
    assert (ROOT / ".ci" / "run").stat().st_mode & 0o111


def test_deployment_agrees_with_itself() -> None:
    """The Deployment runs this version and tells each sidecar how many there are."""
    (deployment,) = documents("deployment.yaml")
    spec = deployment["spec"]
    assert isinstance(spec, dict)
    (sidecar,) = spec["template"]["spec"]["initContainers"]
    env = {entry["name"]: entry.get("value") for entry in sidecar["env"]}
    assert sidecar["image"] == f"ratelimit-sidecar:{__version__}"
    assert env["RATELIMIT_EXPECTED_SIDECARS"] == str(spec["replicas"])
    asked = {entry["name"]: entry["valueFrom"]["secretKeyRef"]["key"] for entry in sidecar["env"] if "valueFrom" in entry}
    assert asked.keys() == {"RATELIMIT_STORE_KEY", "RATELIMIT_LEDGER_KEY", "RATELIMIT_DATABASE_URL"}  # several replicas share all three
    text = (ROOT / "k8s" / "deployment.yaml").read_text(encoding="utf-8")
    assert [key for key in asked.values() if f"--from-literal={key}=" not in text] == []  # the secret that is made is the one that is read


def test_policy_of_k8s_is_accepted() -> None:
    """The policy that the manifests carry is one that the product accepts, and it limits something."""
    (policy,) = documents("policy.yaml")
    data = policy["data"]
    assert isinstance(data, dict)
    assert parse_policy(yaml.safe_load(data["ratelimit.yaml"]), "ratelimit.yaml").limits


def test_gateway_is_what_nginx_accepts(tmp_path: Path, require: Callable[[str], Path]) -> None:
    """nginx accepts the gateway's configuration of k8s/ as it stands, but for the upstream's name, which only a cluster knows."""
    (gateway,) = documents("gateway.yaml")
    data = gateway["data"]
    assert isinstance(data, dict)
    config = data["nginx.conf"].replace("server api:80", "server 127.0.0.1:9").replace("/tmp/", f"{tmp_path}/")
    (tmp_path / "nginx.conf").write_text(config, encoding="utf-8")
    done = subprocess.run([require("nginx"), "-t", "-c", tmp_path / "nginx.conf"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
