"""The `verify` table of a generic source: which kind of proof its deliveries carry.

One function per kind, each from options and secrets to something that verifies and signs.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from unkey_sync_connectors.base import ConfigProblem
from unkey_sync_connectors.generic import shared
from unkey_sync_connectors.generic.standard import StandardWebhooks
from unkey_sync_connectors.generic.tokens import SignedToken
from unkey_sync_connectors.jose import read_keys, secret_key
from unkey_sync_connectors.signing import Encoding, KeyForm, Scheme, Unit, Verifier

if TYPE_CHECKING:
    from enum import Enum

    from unkey_sync_connectors.base import SourceConfig
    from unkey_sync_connectors.generic.options import Options
    from unkey_sync_connectors.jose import Key
    from unkey_sync_connectors.signing import Proof

ALGORITHMS = ("RS256", "ES256", "EdDSA", "HS256")
_DIGESTS = ("sha1", "sha256", "sha384", "sha512")
_HMAC_KEYS = (
    "algorithm",
    "assign",
    "base",
    "encoding",
    "header",
    "id_header",
    "key",
    "label",
    "separator",
    "timestamp_header",
    "timestamp_label",
    "unit",
)
_JWT_KEYS = ("algorithms", "audience", "body_hash", "header", "in", "issuer", "jwks", "jwks_file")
_HEADER = re.compile(r"[a-z0-9!#$%&'*+.^_`|~-]{1,100}")
_PLACE = re.compile(r"\{([^{}]*)\}")


def compile_proof(options: Options, config: SourceConfig) -> Proof:
    """Build what the `verify` table describes. Raises ConfigProblem."""
    builder = _BUILDERS[options.choice("kind", _BUILDERS)]
    try:
        return builder(options, config)
    except ConfigProblem as problem:
        raise problem if problem.path else options.problem(str(problem)) from None


def _standard(options: Options, config: SourceConfig) -> Proof:
    options.only(("kind",))
    return StandardWebhooks(config.secrets, config.tolerance_s)


def _bearer(options: Options, config: SourceConfig) -> Proof:
    options.only(("kind",))
    return shared.bearer(config.secrets)


def _basic(options: Options, config: SourceConfig) -> Proof:
    options.only(("kind",))
    return shared.basic(config.secrets)


def _header_secret(options: Options, config: SourceConfig) -> Proof:
    options.only(("kind", "header"))
    return shared.header_secret(_header(options, "header"), config.secrets)


def _hmac(options: Options, config: SourceConfig) -> Proof:
    options.only(("kind", *_HMAC_KEYS))
    before, after = _base(options)
    scheme = Scheme(
        signature=(_header(options, "header"),),
        prefix=before,
        suffix=after,
        timestamp=_optional_header(options, "timestamp_header"),
        id=_optional_header(options, "id_header"),
        label=options.text("label", ""),
        separator=options.text("separator", ","),
        assign=options.text("assign", "="),
        timestamp_label=options.text("timestamp_label", ""),
        encoding=Encoding(options.choice("encoding", _values(Encoding), "hex")),
        key=KeyForm(options.choice("key", _values(KeyForm), "text")),
        digest=options.choice("algorithm", _DIGESTS, "sha256"),
        unit=Unit(options.choice("unit", _values(Unit), "s")),
    )
    if scheme.timestamp_label and not scheme.label:
        raise options.problem("needs a label, too: the header has named elements", "timestamp_label")
    return Verifier(scheme=scheme, secrets=config.secrets, tolerance_s=config.tolerance_s)


def _base(options: Options) -> tuple[str, str]:
    """What is signed before and after the body. What a header claims must be signed, or it means nothing."""
    base = options.text("base", "{body}")
    wanted = {"body"}
    wanted |= {"timestamp"} if {"timestamp_header", "timestamp_label"} & options.data.keys() else set()
    wanted |= {"id"} if "id_header" in options.data else set()
    names = _PLACE.findall(base)
    if sorted(names) != sorted(wanted):
        raise options.problem(f"must name each of {', '.join(sorted(wanted))} once, in braces", "base")
    if "}{" in base:
        raise options.problem("needs a separator between the parts, or one could pass for another", "base")
    before, _, after = base.partition("{body}")
    return before, after


def _jwt(options: Options, config: SourceConfig) -> Proof:
    options.only(("kind", *_JWT_KEYS))
    in_body = options.choice("in", ("header", "body"), "header") == "body"
    algorithms = options.texts("algorithms") or ("RS256",)
    if not set(algorithms) <= set(ALGORITHMS):
        raise options.problem(f"must be of {', '.join(ALGORITHMS)}", "algorithms")
    return SignedToken(
        header="" if in_body else _header(options, "header", shared.AUTHORIZATION),
        keys=_keys(options, config, algorithms),
        algorithms=algorithms,
        tolerance_s=config.tolerance_s,
        issuer=options.text("issuer", ""),
        audience=options.text("audience", ""),
        body_hash=options.text("body_hash", ""),
        secret=config.secrets[0] if config.secrets else "",
    )


def _keys(options: Options, config: SourceConfig, algorithms: tuple[str, ...]) -> list[Key]:
    """Public keys from the key set, shared ones from the secrets: neither can pass for the other."""
    public = _key_set(options)
    shared_keys = [secret_key(secret.encode()) for secret in config.secrets if secret.strip()]
    return [key for key in (*public, *shared_keys) if key.algorithm in algorithms]


def _key_set(options: Options) -> list[Key]:
    if "jwks" in options.data:
        return _named(options, "jwks", options.data["jwks"])
    if "jwks_file" in options.data:
        return _named(options, "jwks_file", _read_file(options))
    return []


def _read_file(options: Options) -> Any:
    try:
        return orjson.loads(Path(options.text("jwks_file")).read_bytes())
    except OSError as error:
        raise options.problem(f"cannot be read: {error.strerror}", "jwks_file") from None
    except orjson.JSONDecodeError:
        raise options.problem("is not JSON", "jwks_file") from None


def _named(options: Options, name: str, found: object) -> list[Key]:
    try:
        return read_keys(found)
    except ConfigProblem as problem:
        raise options.problem(str(problem), name) from None


def _values(known: type[Enum]) -> list[str]:
    return [one.value for one in known]


def _header(options: Options, name: str, default: str | None = None) -> str:
    header = options.text(name, default).lower()
    if not _HEADER.fullmatch(header):
        raise options.problem("is no header name", name)
    return header


def _optional_header(options: Options, name: str) -> tuple[str, ...]:
    return (_header(options, name),) if name in options.data else ()


_BUILDERS = {
    "standard-webhooks": _standard,
    "hmac": _hmac,
    "bearer": _bearer,
    "basic": _basic,
    "header": _header_secret,
    "jwt": _jwt,
}
