"""Settings: flags over environment over file over defaults. The only reader of the environment."""

from unkey_sync.settings.load import Loaded, load_settings
from unkey_sync.settings.model import Settings, SourceSettings
from unkey_sync.settings.secret_key import load_secret_keys, make_state_dir

__all__ = ["Loaded", "Settings", "SourceSettings", "load_secret_keys", "load_settings", "make_state_dir"]
