"""The office's own sign-in service (OpenID Connect): sent there, back with a code, vouched for by a signed token.

Authorization code with PKCE, ``state`` and ``nonce`` (OpenID Connect Core 3.1); the flow is Authlib's, the token's signature and
claims are checked by joserfc. The service is the one outside address the program speaks to, and only where it is configured.
Nothing here, not an error and not the log, holds the client's secret, a code or a token.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import stat
import time
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import requests
from authlib.integrations.base_client.errors import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

FILE = "oidc.toml"
VARIABLE, SECRET_VARIABLE = "STEWARD_OIDC", "STEWARD_OIDC_SECRET"
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "ES256", "ES384"]  # signed with a key of the service; never "none"
TIMEOUT = 10  # seconds for each answer of the service
LEEWAY = 60  # seconds the two clocks may differ
KEPT = 3_600  # seconds the service's description and keys are kept
BACK = "/signin/oidc/back"
NEEDED = ("issuer", "client_id", "address", "name_zh")


class OidcWrong(ValueError):
    """The configuration cannot be used; the message names file and key."""


class OidcFailed(PermissionError):
    """Nobody was signed in. ``code`` is a word key below ``oidc.failed.``; the text is for the log and names no secret."""

    def __init__(self, code: str, text: str) -> None:
        self.code = code
        super().__init__(text)


@dataclass(frozen=True)
class Provider:
    """The sign-in service as configured.

    Attributes:
        issuer: its identifier, as its tokens name it. address: where people open this program; it sends them back there.
    """

    issuer: str
    client_id: str
    address: str
    name_zh: str
    name_en: str | None = None
    scopes: str = "openid profile"
    userinfo: bool = True
    client_secret: str = field(default="", repr=False)

    @property
    def back(self) -> str:
        return self.address.rstrip("/") + BACK

    def account_id(self, subject: str) -> str:
        """The account of one person there: the same for the same subject, and no two subjects share one."""
        return "oidc-" + hashlib.sha256(f"{self.issuer}\0{subject}".encode()).hexdigest()[:24]


@dataclass(frozen=True)
class Started:
    """A sign-in under way, kept by the browser in a signed cookie until it comes back."""

    state: str
    nonce: str
    verifier: str
    onward: str


def configured(root: Path) -> Provider | None:
    """The service in ``oidc.toml`` below ``root`` (or at STEWARD_OIDC); None where there is none.

    Raises:
        OidcWrong: the file can be read by others, or lacks a key.
    """
    path = Path(os.environ.get(VARIABLE) or root / FILE)
    if not path.is_file():
        return None
    if os.name == "posix" and stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise OidcWrong(f"{path} can be read by others, and it holds a secret. Run: chmod 600 {path.name}")
    try:
        given = tomllib.loads(path.read_text(encoding="utf-8")).get("provider", {})
    except tomllib.TOMLDecodeError as e:
        raise OidcWrong(f"{path} is not valid TOML: {e}. Mend the line named.") from None
    lacking = [k for k in NEEDED if not given.get(k)]
    unknown = set(given) - set(Provider.__dataclass_fields__)
    if lacking or unknown:
        raise OidcWrong(
            f"{path}: [provider] lacks {lacking or 'nothing'} and has unknown keys {sorted(unknown) or 'none'}."
        )
    secret = os.environ.get(SECRET_VARIABLE) or given.get("client_secret", "")
    return Provider(**(given | {"client_secret": secret}))


_kept: dict[str, tuple[float, dict]] = {}


def _fetched(address: str, *, fresh: bool = False) -> dict:
    """A JSON document of the service, kept for an hour."""
    at, held = _kept.get(address, (-KEPT, {}))
    if held and not fresh and time.monotonic() - at < KEPT:
        return held
    try:
        answer = requests.get(address, timeout=TIMEOUT, allow_redirects=False)
        answer.raise_for_status()
        found = answer.json()
    except (requests.RequestException, ValueError) as e:
        raise OidcFailed("unreachable", f"{address} did not answer as it should ({type(e).__name__}).") from None
    _kept[address] = (time.monotonic(), found)
    return found


def _described(provider: Provider) -> dict:
    found = _fetched(provider.issuer.rstrip("/") + "/.well-known/openid-configuration")
    if found.get("issuer") != provider.issuer:
        raise OidcFailed("unreachable", f"The service calls itself {found.get('issuer')!r}, not {provider.issuer!r}.")
    return found


def _session(provider: Provider, state: str) -> OAuth2Session:
    return OAuth2Session(
        provider.client_id, provider.client_secret or None, scope=provider.scopes, redirect_uri=provider.back, state=state,
        token_endpoint_auth_method="client_secret_basic" if provider.client_secret else "none",
    )  # fmt: skip


def begin(provider: Provider, onward: str) -> tuple[str, Started]:
    """Where to send the browser, and what it must bring back.

    Raises:
        OidcFailed: the service does not answer.
    """
    started = Started(secrets.token_urlsafe(32), secrets.token_urlsafe(32), secrets.token_urlsafe(48), onward)
    address, _ = _session(provider, started.state).create_authorization_url(
        _described(provider)["authorization_endpoint"], state=started.state, nonce=started.nonce,
        code_challenge=create_s256_code_challenge(started.verifier), code_challenge_method="S256",
    )  # fmt: skip
    return address, started


def finish(provider: Provider, started: Started, query: Mapping[str, str], now: datetime) -> dict[str, Any]:
    """The claims of the person the service vouches for.

    Raises:
        OidcFailed: the answer is not to what was asked, the person said no, or the token does not hold.
    """
    if not secrets.compare_digest(query.get("state", "").encode(), started.state.encode()):
        raise OidcFailed("state", "The answer of the sign-in service belongs to no sign-in begun in this browser.")
    if query.get("error") or not query.get("code"):
        raise OidcFailed("denied", f"The sign-in service answered: {query.get('error', 'no code')[:64]!r}.")
    about = _described(provider)
    session = _session(provider, started.state)
    try:
        token = session.fetch_token(
            about["token_endpoint"], code=query["code"], code_verifier=started.verifier, grant_type="authorization_code",
            timeout=TIMEOUT,
        )  # fmt: skip
    except OAuthError as e:
        raise OidcFailed("denied", f"The sign-in service refused the code: {str(e.error)[:64]!r}.") from None
    except requests.RequestException as e:
        raise OidcFailed("unreachable", f"The token address did not answer ({type(e).__name__}).") from None
    claims = _claims(provider, about, str(token.get("id_token") or ""), started.nonce, now)
    if provider.userinfo and about.get("userinfo_endpoint"):
        claims = _more(session, about["userinfo_endpoint"], claims) | claims
    return claims


def _claims(provider: Provider, about: dict, token: str, nonce: str, now: datetime) -> dict[str, Any]:
    """The claims of a signed token that is for us, from them, of this sign-in, and not over."""
    for fresh in (False, True):  # once more with the service's newest keys: it may have changed them
        try:
            keys = KeySet.import_key_set(_fetched(about["jwks_uri"], fresh=fresh))  # type: ignore[arg-type]
            found = jwt.decode(token, keys, algorithms=ALGORITHMS)
            break
        except (JoseError, ValueError, KeyError) as e:
            if fresh:
                raise OidcFailed("token", f"The token's signature does not hold ({type(e).__name__}).") from None
    rules = jwt.JWTClaimsRegistry(
        now=int(now.timestamp()), leeway=LEEWAY, iss={"essential": True, "value": provider.issuer},
        aud={"essential": True, "value": provider.client_id}, exp={"essential": True}, iat={"essential": True},
        sub={"essential": True}, nonce={"essential": True, "value": nonce},
    )  # fmt: skip
    claims = dict(found.claims)
    try:
        rules.validate(claims)
    except JoseError as e:
        raise OidcFailed("token", f"The token is not one for this sign-in ({e}).") from None
    several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
    if (several or "azp" in claims) and claims.get("azp") != provider.client_id:
        raise OidcFailed("token", "The token was made for another program.")
    return claims


def _more(session: OAuth2Session, address: str, claims: dict[str, Any]) -> dict[str, Any]:
    """What the service tells beyond the token, of the same person."""
    try:
        answer = session.get(address, timeout=TIMEOUT)
        answer.raise_for_status()
        found = answer.json()
    except (requests.RequestException, ValueError) as e:
        raise OidcFailed("unreachable", f"The userinfo address did not answer ({type(e).__name__}).") from None
    if found.get("sub") != claims["sub"]:
        raise OidcFailed("token", "The userinfo address told of somebody else.")
    return found
