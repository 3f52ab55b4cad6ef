"""Finds what is wrong with a set-up before an event does; every finding has a remedy. It changes nothing."""

from unkey_sync.doctor.checkup import CHECKS, examine
from unkey_sync.doctor.report import Finding, Level, Patient, worst

__all__ = ["CHECKS", "Finding", "Level", "Patient", "examine", "worst"]
