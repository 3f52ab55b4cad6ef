"""The list of checks, and running them. To add one: a function from Patient to findings, and a line here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from unkey_sync.doctor import arrivals, broker, database, local, promises, unkey

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from unkey_sync.doctor.report import Check, Finding, Patient

CHECKS: Final[Mapping[str, Check]] = {
    "config-file": local.check_file,
    "sources": local.check_sources,
    "policy": local.check_policy,
    "secret-key": local.check_secret_key,
    "state-dir": local.check_state_dir,
    "admin-token": local.check_admin_token,
    "combination": local.check_combination,
    "database": database.check_database,
    "arrivals": arrivals.check_arrivals,
    "promises": promises.check_promises,
    "broker": broker.check_broker,
    "unkey-settings": unkey.check_settings,
    "unkey": unkey.check_reachable,
}


def examine(patient: Patient, checks: Mapping[str, Check] = CHECKS) -> Iterator[tuple[str, Finding]]:
    """Run all checks, in order; (check id, finding)."""
    for name, check in checks.items():
        for finding in check(patient):
            yield name, finding
