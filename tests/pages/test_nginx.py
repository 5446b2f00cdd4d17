"""The documented nginx before a real server: TLS, headers, secure cookies, websocket, and what a client cannot claim.

Needs Debian's nginx-light and openssl, as `make test` sees to.
"""

from __future__ import annotations

import re
import socket
import ssl
import subprocess

import pytest

from tests.pages.house import PASSWORD, REPOSITORY, UVICORN, Browser, free_port, furnish, serving, wait_for


class SecureBrowser(Browser):
    """The same browser, through TLS."""

    def _raw(self, lines: list[str]) -> bytes:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # made for this test
        with (
            socket.create_connection(("127.0.0.1", self.port), timeout=20) as plain,
            context.wrap_socket(plain, server_hostname="steward.example") as s,
        ):
            s.sendall("\r\n".join([*lines, "", ""]).encode())
            return s.recv(4096)


def certificate(folder) -> None:
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=steward.example", "-days", "2",
         "-keyout", folder / "privkey.pem", "-out", folder / "fullchain.pem"],
        check=True, capture_output=True,
    )  # fmt: skip


@pytest.fixture(scope="module")
def front(tmp_path_factory):
    """nginx as documented; yields its https port and its http port."""
    root, folder = tmp_path_factory.mktemp("house"), tmp_path_factory.mktemp("nginx")
    furnish(root)
    certificate(folder)
    https, http = free_port(), free_port()
    with serving(root, UVICORN) as port:
        site = (REPOSITORY / "deploy/nginx.conf").read_text(encoding="utf-8")
        for written, here in (
            ("127.0.0.1:8501", f"127.0.0.1:{port}"), ("listen 80;", f"listen 127.0.0.1:{http};"),
            ("listen 443 ssl http2;", f"listen 127.0.0.1:{https} ssl http2;"), ("/etc/ssl/steward", str(folder)),
        ):  # fmt: skip
            assert written in site
            site = site.replace(written, here)
        (folder / "nginx.conf").write_text(
            f"daemon off; pid {folder}/pid; error_log {folder}/error.log; events {{}}\n"
            f"http {{ access_log {folder}/access.log; client_body_temp_path {folder}/b; proxy_temp_path {folder}/p;"
            f" fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;\n{site}\n}}\n",
            encoding="utf-8",
        )
        server = subprocess.Popen(["nginx", "-p", str(folder), "-c", str(folder / "nginx.conf")])
        try:
            wait_for(server, https, folder / "error.log")
            yield https, http
        finally:
            server.terminate()
            server.wait(timeout=20)


def curl(port: int, path: str, *more: str, scheme: str = "https") -> str:
    """Status line, headers and body, under the documented name."""
    done = subprocess.run(
        ["curl", "-sik", "--noproxy", "*", "--http1.1", "--max-time", "20", "--resolve", f"steward.example:{port}:127.0.0.1",
         *more, f"{scheme}://steward.example:{port}{path}"],
        check=True, capture_output=True,
    )  # fmt: skip
    return done.stdout.decode("utf-8", "replace")


def signed_in(port: int, jar) -> str:
    page = curl(port, "/signin", "-c", str(jar), "-b", str(jar))
    token = re.search(r'name="token" value="([\w-]{43})"', page)[1]
    fields = ["-d", f"token={token}", "-d", "name=anna", "--data-urlencode", f"password={PASSWORD}"]
    return curl(port, "/signin", "-c", str(jar), "-b", str(jar), *fields)


def test_plain_http_is_sent_on_to_tls(front):
    answer = curl(front[1], "/estates", scheme="http")
    assert " 301 " in answer.splitlines()[0]
    assert "https://steward.example" in answer


def test_every_answer_carries_the_headers_and_each_once(front):
    for path in ("/signin", "/estates", "/_stcore/health", "/_stcore/host-config"):
        head = curl(front[0], path).split("\r\n\r\n")[0].lower()
        for name in ("strict-transport-security", "x-content-type-options", "x-frame-options", "referrer-policy"):
            assert head.count(f"\r\n{name}:") == 1, f"{path}: {name}"


def test_signing_in_through_tls_gives_secure_cookies_and_opens_pages_and_the_socket(front, tmp_path):
    answer = signed_in(front[0], tmp_path / "jar")
    assert " 303 " in answer.splitlines()[0]
    cookies = [line for line in answer.splitlines() if line.lower().startswith("set-cookie: steward_session")]
    assert len(cookies) == 1 and cookies[0].endswith("; Secure")
    page = curl(front[0], "/estates", "-b", str(tmp_path / "jar"), "-H", "Accept: text/html")
    assert " 200 " in page.splitlines()[0]
    policy = re.search(r"content-security-policy: (.*)", page, re.I)[1]
    assert "http" not in policy and "connect-src 'self'" in policy
    upgrade = ["-H", "Upgrade: websocket", "-H", "Connection: Upgrade", "-H", "Sec-WebSocket-Version: 13",
               "-H", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "-H", "Sec-WebSocket-Protocol: streamlit"]  # fmt: skip
    jar = (tmp_path / "jar").read_text(encoding="utf-8")
    cookie = "; ".join("=".join(line.split("\t")[5:7]) for line in jar.splitlines() if line.count("\t") == 6)
    lines = ["GET /_stcore/stream HTTP/1.1", f"Host: steward.example:{front[0]}", f"Cookie: {cookie}",
             *(text for text in upgrade if text != "-H")]  # fmt: skip
    assert b"HTTP/1.1 101" in SecureBrowser(front[0])._raw(lines)
    lines.remove(f"Cookie: {cookie}")
    assert b"HTTP/1.1 403" in SecureBrowser(front[0])._raw(lines)


def test_through_the_proxy_nobody_is_offered_a_demo_person_whatever_they_claim(front):
    for claim in (
        "X-Forwarded-For: 127.0.0.1",
        "Forwarded: for=127.0.0.1",
        "X-Real-IP: 127.0.0.1",
        "X-Forwarded-Host: localhost",
    ):
        assert 'name="person"' not in curl(front[0], "/signin", "-H", claim)
    assert 'name="person"' not in curl(front[0], "/signin", "-H", "Host: localhost")


def test_nobody_outside_reads_the_servers_metrics(front):
    assert " 404 " in curl(front[0], "/_stcore/metrics").splitlines()[0]
