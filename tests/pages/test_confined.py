"""The server as the unit and the container run it: an unprivileged user, everything read-only, one folder to write in.

A mount namespace of the test's own stands in for systemd's and podman's; it needs root and the right to mount, else the test
is skipped. /var/tmp there is the private /tmp both give (the program may lie below /tmp here).
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

from data.ledger import URL_VARIABLE
from tests.conftest import copy_of
from tests.pages.house import REPOSITORY, Browser, free_port, wait_for
from tests.pages.walker import Visitor, fetch

USER = 10_001  # as in deploy/Containerfile
UNIT = (REPOSITORY / "deploy/steward.service").read_text(encoding="utf-8")
CONTAINER = (REPOSITORY / "deploy/Containerfile").read_text(encoding="utf-8")
#: The program at /opt, its folder at /srv, then every mount but what the system itself writes to made read-only.
CONFINED = """
set -e
mount --bind "$PROGRAM" /opt && mount --bind "$STORES" /srv && mount -t tmpfs -o mode=1777 tmpfs /var/tmp
case $PYTHON_HOME in /root/*)  # an interpreter in a home others cannot enter: seen alone there
  mount --bind "$PYTHON_HOME" /media && mount -t tmpfs -o mode=755 tmpfs /root
  mkdir -p "$PYTHON_HOME" && mount --bind /media "$PYTHON_HOME" ;;
esac
for place in $(awk '{print $5}' /proc/self/mountinfo); do
  case $place in /srv|/var/tmp|/proc*|/sys*|/dev*) ;; *) mount -o remount,bind,ro "$place" || true ;; esac  # what could not is told below
done
cd /opt
exec setpriv --reuid $USER_ID --regid $USER_ID --clear-groups --no-new-privs --bounding-set=-all --inh-caps=-all "$@"
"""


def may_mount() -> bool:
    tools = shutil.which("unshare") and shutil.which("setpriv")
    if os.geteuid() or not tools:
        return False
    tried = ["unshare", "--mount", "--propagation", "private", "mount", "-t", "tmpfs", "tmpfs", "/srv"]
    return subprocess.run(tried, capture_output=True).returncode == 0


@contextmanager
def confined(root: Path):
    """The server behind those walls; yields its process and port."""
    port, log = free_port(), root.parent / "confined.log"
    python = sys.executable.replace(f"{REPOSITORY}/", "/opt/")
    subprocess.run(["chown", "-R", f"{USER}:{USER}", root], check=True)
    environment = {
        "PATH": os.environ["PATH"], "PROGRAM": str(REPOSITORY), "STORES": str(root), "USER_ID": str(USER), "PYTHON_HOME": sys.base_prefix, "STEWARD_ROOT": "/srv",
        "HOME": "/srv", "TMPDIR": "/var/tmp", "PYTHONDONTWRITEBYTECODE": "1",
    }  # fmt: skip
    command = [python, "-m", "uvicorn", "app:app", "--host", "127.0.0.1", "--port", str(port), "--log-level", "warning"]
    with log.open("wb") as out:
        server = subprocess.Popen(
            ["unshare", "--mount", "--propagation", "private", "sh", "-c", CONFINED, "sh", *command],
            env=environment, stdout=out, stderr=subprocess.STDOUT,
        )  # fmt: skip
        try:
            wait_for(server, port, log)
            yield server, port
        finally:
            server.terminate()
            server.wait(timeout=20)


def inside(server: subprocess.Popen, *command: str) -> subprocess.CompletedProcess:
    """Run a command in the server's own view of the machine, as its user."""
    entered = ["nsenter", f"--mount=/proc/{server.pid}/ns/mnt", "setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups",
               "--no-new-privs", "env", "HOME=/srv", "TMPDIR=/var/tmp", "PYTHONDONTWRITEBYTECODE=1"]  # fmt: skip
    return subprocess.run([*entered, *command], capture_output=True, text=True, cwd="/")


@pytest.mark.skipif(not may_mount(), reason="needs root and the right to mount")
@pytest.mark.skipif(URL_VARIABLE in os.environ, reason="a ledger named by its folder is not that of /srv")
def test_unprivileged_on_a_read_only_system_everything_works(demo_root, tmp_path):
    root = copy_of(demo_root, tmp_path / "var")
    with confined(root) as (server, port):
        said = dict(re.findall(r"^(\w+):\s+(.*)$", Path(f"/proc/{server.pid}/status").read_text(), re.M))
        assert said["Uid"].split() == [str(USER)] * 4 and said["NoNewPrivs"] == "1"
        assert int(said["CapEff"], 16) == int(said["CapBnd"], 16) == 0
        mounts = [line.split()[4:6] for line in Path(f"/proc/{server.pid}/mountinfo").read_text().splitlines()]
        writable = {place for place, how in mounts if "rw" in how.split(",")}
        assert {p for p in writable if not p.startswith(("/proc", "/sys", "/dev"))} == {"/srv", "/var/tmp"}
        for place in ("/opt/x", "/etc/x", "/usr/x", "/var/lib/x", "/tmp/x"):
            assert "Read-only file system" in inside(server, "touch", place).stderr, place
        assert inside(server, "touch", "/srv/x").returncode == 0

        browser = Browser(port)
        browser.get("/signin")
        assert browser.send("/signin", {"person": "demo-manager"}).status == 303  # written to the ledger
        with Visitor(browser) as visitor:
            page = visitor.open("scorecard")
            assert page.ended_well and page.deferred
            made = [fetch(browser, visitor.made(one)) for one in page.deferred]
        assert {status for status, _ in made} == {200}
        assert any(content.startswith(b"%PDF-") for _, content in made), "papers are set there too"

        python = sys.executable.replace(f"{REPOSITORY}/", "/opt/")
        (root / "inbox").mkdir(exist_ok=True)
        (root / "inbox" / "a.csv").write_text("统一社会信用代码,企业名称\nnew1,新物业\n", encoding="utf-8")
        loaded = inside(server, python, "/opt/steward.py", "--root", "/srv", "load", "/srv/inbox/a.csv")
        assert loaded.returncode == 0, loaded.stdout + loaded.stderr
        look = inside(server, python, "-c", "import sys; sys.path.insert(0, '/opt'); from data import bounded; "
                      "print(bounded.run([sys.executable, '-c', 'print(7)'], seconds=20, memory_mb=200).text)")  # fmt: skip
        assert look.stdout.strip() == "7", look.stderr


def test_unit_and_container_say_the_same():
    """What the test above stands in for is what the two files say."""
    for said in ("User=steward", "ProtectSystem=strict", "StateDirectory=steward", "PrivateTmp=yes", "NoNewPrivileges=yes",
                 "CapabilityBoundingSet=\n"):  # fmt: skip
        assert said in UNIT, said
    assert f"USER {USER}" in CONTAINER and CONTAINER.index("USER ") < CONTAINER.index("CMD ")
    assert CONTAINER.count("VOLUME") == 1 and "VOLUME /var/lib/steward" in CONTAINER
    for shared in ("STEWARD_ROOT=/var/lib/steward", "HOME=/var/lib/steward", "PYTHONDONTWRITEBYTECODE=1"):
        assert shared in UNIT and shared in CONTAINER
    assert "-m uvicorn app:app" in UNIT and '"-m", "uvicorn", "app:app"' in CONTAINER
    kept_out = (REPOSITORY / "deploy/Containerfile.dockerignore").read_text(encoding="utf-8").split()
    assert {".git", ".venv", "var"} <= set(kept_out), "no records, no history in the image"
