"""The lock files: every package pinned, every file of it by hash, nothing imported that is not named, no host in them."""

from __future__ import annotations

import ast
import importlib.metadata as installed
import re
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

REPOSITORY = Path(__file__).parent.parent
LOCKS = ("requirements", "requirements-dev")
ROOMS = ("data", "metrics", "cases", "pages", "rules", "i18n", "commands")


def text(name: str) -> str:
    return (REPOSITORY / name).read_text(encoding="utf-8")


def asked(name: str) -> list[Requirement]:
    """The requirements a person wrote, with those of files they include."""
    found = []
    for line in text(f"{name}.in").splitlines():
        if line.startswith("-r "):
            found += asked(line.removeprefix("-r ").removesuffix(".in"))
        elif line and not line.startswith("#"):
            found.append(Requirement(line))
    return found


def locked(name: str) -> dict[str, tuple[Requirement, list[str]]]:
    """Package -> its pinned requirement and its hashes."""
    found = {}
    for entry in re.split(r"\n(?=\S)", text(f"{name}.txt").strip()):
        if not entry.startswith("#"):
            head, *hashes = (part.strip() for part in entry.replace("\\\n", "\n").splitlines())
            requirement = Requirement(head)
            found[canonicalize_name(requirement.name)] = (requirement, hashes)
    return found


@pytest.mark.parametrize("name", LOCKS)
def test_every_package_is_pinned_to_one_version_and_each_of_its_files_to_a_hash(name):
    packages = locked(name)
    assert len(packages) > 50
    for package, (requirement, hashes) in packages.items():
        assert re.fullmatch(r"==[\w.]+", str(requirement.specifier)), package
        assert hashes, package
        assert all(re.fullmatch(r"--hash=sha256:[0-9a-f]{64}", h) for h in hashes), package


@pytest.mark.parametrize("name", LOCKS)
def test_the_lock_holds_every_package_asked_for_at_its_version_and_all_those_bring_along(name):
    packages, todo, seen = locked(name), list(asked(name)), set()
    for requirement in todo:
        assert str(requirement.specifier) == str(packages[canonicalize_name(requirement.name)][0].specifier)
    while todo:
        requirement = todo.pop()
        package = canonicalize_name(requirement.name)
        for extra in ("", *requirement.extras):
            if (package, extra) in seen:
                continue
            seen.add((package, extra))
            assert package in packages, f"{package} is brought along and not in {name}.txt: run make lock"
            for line in installed.requires(package) or []:
                more = Requirement(line)
                if more.marker is None or more.marker.evaluate({"extra": extra}):
                    todo.append(more)
    assert len({package for package, _ in seen}) > 50


def test_the_tests_run_with_the_versions_people_run():
    run, test = locked("requirements"), locked("requirements-dev")
    assert all(str(test[package][0]) == str(requirement) for package, (requirement, _) in run.items())


def test_what_the_program_imports_is_named_by_a_person():
    """Neither a package nobody asked for, nor one that only comes along with another."""
    providers = installed.packages_distributions()
    imported: set[str] = set()
    files = [p for room in ROOMS for p in (REPOSITORY / room).rglob("*.py")] + list(REPOSITORY.glob("*.py"))
    for path in files:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                imported |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                imported.add(node.module.split(".")[0])
    outside = imported - set(sys.stdlib_module_names) - {*ROOMS, "app", "steward"}
    named = {canonicalize_name(requirement.name) for requirement in asked("requirements")}
    lacking = {m for m in outside if not {canonicalize_name(d) for d in providers.get(m, [m])} & named}
    assert not lacking, f"imported but not in requirements.in: {sorted(lacking)}"


@pytest.mark.parametrize("name", [f"{lock}{end}" for lock in LOCKS for end in (".in", ".txt")])
def test_no_file_names_a_place_packages_come_from(name):
    assert not re.search(r"https?:|file:|--(extra-)?index-url|--find-links|--trusted-host| @ ", text(name))


def test_what_is_installed_by_every_way_is_the_lock():
    for name in ("Makefile", "deploy/Containerfile", "docs/deploy.md", "docs/windows.md"):
        installs = re.findall(r"pip install.*", text(name))
        assert installs, name
        assert all(re.search(r"-r requirements(-dev)?\.txt", line) for line in installs), name
