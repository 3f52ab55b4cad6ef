"""The Unkey client.

Operations, transport lanes, the shared gate, dry run. Import from here, not from the modules.
"""

from unkey_sync.unkey.budget import Priority, Reserve
from unkey_sync.unkey.circuit import CircuitRules, CircuitState, Failure
from unkey_sync.unkey.client import Unkey, UnkeyClient
from unkey_sync.unkey.config import UnkeyConfig
from unkey_sync.unkey.gate import Gate, GateRules, GateState, LocalGate
from unkey_sync.unkey.lanes import LaneTransport
from unkey_sync.unkey.recorder import Recorded, RecordedCall, Recorder
from unkey_sync.unkey.redis_gate import RedisGate
from unkey_sync.unkey.secret import SecretText
from unkey_sync.unkey.wanted import KEEP, Credits, ImportedKey, KeyPatch, NewKey, Refill

__all__ = [
    "KEEP",
    "CircuitRules",
    "CircuitState",
    "Credits",
    "Failure",
    "Gate",
    "GateRules",
    "GateState",
    "ImportedKey",
    "KeyPatch",
    "LaneTransport",
    "LocalGate",
    "NewKey",
    "Priority",
    "Recorded",
    "RecordedCall",
    "Recorder",
    "RedisGate",
    "Refill",
    "Reserve",
    "SecretText",
    "Unkey",
    "UnkeyClient",
    "UnkeyConfig",
]
