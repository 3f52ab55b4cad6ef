"""Which value wins, where it came from, and what is said when it cannot be used."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pytest
from unkey_sync.errors import ConfigError
from unkey_sync.settings import load_settings
from unkey_sync.settings.document import find_file, search_path
from unkey_sync.settings.model import Settings
from unkey_sync.settings.problems import InvalidConfig
from unkey_sync.settings.show import mask_url, show
from unkey_sync.settings.variables import ALL

if TYPE_CHECKING:
    from pathlib import Path

HOME = {"HOME": "/home/nobody"}
CANARY = "canary-sk_live_000"


def write(folder: Path, text: str) -> Path:
    path = folder / "unkey-sync.toml"
    path.write_text(text, encoding="utf-8")
    return path


def secret_file(folder: Path, text: str, mode: int = 0o600) -> Path:
    path = folder / "secret"
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    return path


def problems(environment: dict[str, str], file: Path | None = None) -> list[str]:
    with pytest.raises(InvalidConfig) as caught:
        load_settings(HOME | environment, file=file)
    return [str(problem) for problem in caught.value.problems]


def test_defaults_need_no_environment_at_all():
    settings = load_settings(HOME).settings

    assert settings.unkey.base_url == "https://api.unkey.com"
    assert settings.broker.url.get_secret_value() == "memory://"
    assert settings.database_url.get_secret_value() == (
        "sqlite:////home/nobody/.local/state/unkey-sync/unkey-sync.db"
    )
    assert (settings.timings.sweep_interval_s, settings.timings.lease_s) == (5, 60)
    assert settings.sources == {}


def test_environment_wins_over_file_and_flags_win_over_environment(tmp_path):
    file = write(tmp_path, "[web]\nport = 1000\nhost = 'filehost'\n[timings]\nlease_s = 7\n")

    loaded = load_settings(
        HOME | {"UNKEY_SYNC_PORT": "2000", "UNKEY_SYNC_LEASE": "9"}, file=file, flags={("web", "port"): 3000}
    )

    web = loaded.settings.web
    assert (web.host, web.port, loaded.settings.timings.lease_s) == ("filehost", 3000, 9)
    assert loaded.origins["web", "host"] == f"{file}:3"
    assert loaded.origins["web", "port"] == "flag --port"
    assert loaded.origins["timings", "lease_s"] == "env UNKEY_SYNC_LEASE"


def test_an_empty_variable_counts_as_unset():
    settings = load_settings(HOME | {"UNKEY_ROOT_KEY": "", "UNKEY_SYNC_PORT": " "}).settings

    assert settings.unkey.root_key is None
    assert settings.web.port == 8787


def test_every_variable_can_be_read_from_a_file(tmp_path):
    path = secret_file(tmp_path, "unkey_abc\n")

    loaded = load_settings(HOME | {"UNKEY_ROOT_KEY_FILE": str(path)})

    assert loaded.settings.unkey.root_key is not None
    assert loaded.settings.unkey.root_key.get_secret_value() == "unkey_abc"
    assert loaded.origins["unkey", "root_key"] == f"file {path} (env UNKEY_ROOT_KEY_FILE)"


def test_the_plain_variable_wins_over_its_file(tmp_path):
    path = secret_file(tmp_path, "from-file")

    settings = load_settings(HOME | {"UNKEY_API_ID": "plain", "UNKEY_API_ID_FILE": str(path)}).settings

    assert settings.unkey.api_id == "plain"


def test_a_secret_file_that_everybody_can_read_is_refused_with_its_remedy(tmp_path):
    path = secret_file(tmp_path, CANARY, mode=0o644)

    (problem,) = problems({"UNKEY_ROOT_KEY_FILE": str(path)})

    assert problem.startswith("env UNKEY_ROOT_KEY_FILE: unkey.root_key: ")
    assert f"chmod 600 {path}" in problem
    assert CANARY not in problem


@pytest.mark.parametrize("content", ["", "  \n"])
def test_an_empty_secret_file_is_an_error(tmp_path, content):
    path = secret_file(tmp_path, content)

    (problem,) = problems({"UNKEY_ROOT_KEY_FILE": str(path)})

    assert "is empty" in problem


def test_a_missing_secret_file_is_an_error(tmp_path):
    (problem,) = problems({"UNKEY_ROOT_KEY_FILE": str(tmp_path / "none")})

    assert "No such file" in problem


def test_a_secret_file_of_bytes_is_an_error(tmp_path):
    path = secret_file(tmp_path, "")
    path.write_bytes(b"\xff\xfe")

    (problem,) = problems({"UNKEY_ROOT_KEY_FILE": str(path)})

    assert "not UTF-8" in problem


def test_a_webhook_secret_in_the_environment_switches_its_source_on():
    sources = load_settings(HOME | {"CLERK_WEBHOOK_SIGNING_SECRET": "whsec_a, whsec_b"}).settings.sources

    assert list(sources) == ["clerk"]
    assert sources["clerk"].kind == "clerk"
    assert [one.get_secret_value() for one in sources["clerk"].webhook_secrets] == ["whsec_a", "whsec_b"]


def test_an_api_key_switches_a_source_on_and_an_address_alone_does_not():
    settings = load_settings(HOME | {"STRIPE_API_KEY": "rk", "CLERK_API_BASE": "http://localhost:1"}).settings

    assert list(settings.sources) == ["stripe"]
    assert settings.sources["stripe"].webhook_secrets == ()


def test_a_variable_that_the_file_refers_to_is_used_there_and_nowhere_else(tmp_path):
    old = secret_file(tmp_path, "old")
    file = write(
        tmp_path,
        '[sources.stripe-eu]\nkind = "stripe"\n'
        f'webhook_secrets = ["env:STRIPE_WEBHOOK_SECRET", "file:{old}"]\n',
    )

    sources = load_settings(HOME | {"STRIPE_WEBHOOK_SECRET": "new1,new2"}, file=file).settings.sources

    assert list(sources) == ["stripe-eu"]
    secrets = [one.get_secret_value() for one in sources["stripe-eu"].webhook_secrets]
    assert secrets == ["new1", "new2", "old"]


def test_a_reference_works_for_any_value(tmp_path):
    file = write(tmp_path, '[unkey]\nroot_key = "env:MY_KEY"\n')

    settings = load_settings(HOME | {"MY_KEY": "unkey_1"}, file=file).settings

    assert settings.unkey.root_key is not None
    assert settings.unkey.root_key.get_secret_value() == "unkey_1"


def test_a_reference_to_nothing_names_file_line_key_and_remedy(tmp_path):
    file = write(tmp_path, '[sources.clerk]\nkind = "clerk"\nwebhook_secrets = ["env:NOT_SET"]\n')

    (problem,) = problems({}, file)

    assert problem.startswith(
        f"{file}:3: sources.clerk.webhook_secrets: environment variable NOT_SET is not set"
    )
    assert "NOT_SET_FILE" in problem


def test_all_problems_are_told_at_once_with_their_places_and_the_nearest_name(tmp_path):
    file = write(
        tmp_path, '[unkey]\napi_idd = "x"\n\n[web]\nport = 70000\n[tymings]\n[sources.x]\nkin = "clerk"\n'
    )

    found = problems({"UNKEY_SYNC_LEASE": "0.01", "UNKEY_SYNC_DATABASE_URL": "mysql://x"}, file)

    assert f"{file}:2: unkey.api_idd: unknown key; did you mean `api_id`?" in found
    assert f"{file}:5: web.port: must be less than or equal to 65535" in found
    assert f"{file}:6: tymings: unknown key; did you mean `timings`?" in found
    assert f"{file}:8: sources.x.kin: unknown key; did you mean `kind`?" in found
    assert f"{file}:7: sources.x.kind: is required" in found
    assert "env UNKEY_SYNC_LEASE: timings.lease_s: must be greater than or equal to 0.1" in found
    assert "env UNKEY_SYNC_DATABASE_URL: database.url: must begin with postgresql:// or sqlite:///" in found


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("UNKEY_SYNC_SECRET_KEY", CANARY),
        ("UNKEY_SYNC_DATABASE_URL", f"mysql://u:{CANARY}@h"),
        ("UNKEY_SYNC_BROKER_URL", f"http://u:{CANARY}@h"),
        ("UNKEY_SYNC_PORT", CANARY),
        ("UNKEY_BASE_URL", f"https://u:{CANARY}@h"),
        ("UNKEY_BASE_URL", f"https://[{CANARY}"),
        ("UNKEY_SYNC_LOG_LEVEL", CANARY),
    ],
)
def test_a_bad_value_is_never_echoed(variable, value):
    (problem,) = problems({variable: value})

    assert problem.startswith(f"env {variable}: ")
    assert CANARY not in problem


@pytest.mark.parametrize("text", ["[unkey\n", 'a = "\n', "[web]\nport = 1\nport = 2\n"])
def test_broken_toml_names_file_and_line(tmp_path, text):
    file = write(tmp_path, text)

    with pytest.raises(ConfigError, match=r"unkey-sync\.toml:\d+: "):
        load_settings(HOME, file=file)


def test_a_section_that_is_no_table_is_an_error(tmp_path):
    (problem,) = problems({}, write(tmp_path, "web = 3\n"))

    assert problem.endswith(":1: web: must be a table")


def test_a_plain_value_where_a_table_belongs_survives_a_variable_for_that_table(tmp_path):
    (problem,) = problems({"UNKEY_SYNC_PORT": "1"}, write(tmp_path, "web = 3\n"))

    assert problem.endswith("web: must be a table")


def test_an_empty_table_does_not_hide_its_variables(tmp_path):
    settings = load_settings(
        HOME | {"UNKEY_API_ID": "api_1"}, file=write(tmp_path, "[unkey]\n[web]\n")
    ).settings

    assert settings.unkey.api_id == "api_1"


def test_an_impossible_source_name_is_an_error(tmp_path):
    (problem,) = problems({}, write(tmp_path, '[sources."Über"]\nkind = "clerk"\n'))

    assert "lower-case" in problem


def test_policy_sections_are_left_alone(tmp_path):
    file = write(tmp_path, '[subjects]\nowner = "user"\n[[plans]]\nname = "free"\n')

    assert load_settings(HOME, file=file).document.data["plans"] == [{"name": "free"}]


def test_a_named_file_that_is_missing_is_an_error_and_not_a_fallback(tmp_path):
    with pytest.raises(ConfigError, match="no such file"):
        load_settings(HOME | {"UNKEY_SYNC_CONFIG": str(tmp_path / "none.toml")})


def test_a_file_in_the_users_config_folder_is_found(tmp_path):
    (tmp_path / "unkey-sync").mkdir()
    file = write(tmp_path / "unkey-sync", "")

    found = find_file(None, HOME | {"XDG_CONFIG_HOME": str(tmp_path)})

    assert found == file


def test_files_are_looked_for_here_then_in_the_users_folder_then_in_etc():
    assert [str(path) for path in search_path(HOME)] == [
        "unkey-sync.toml",
        "/home/nobody/.config/unkey-sync/unkey-sync.toml",
        "/etc/unkey-sync/unkey-sync.toml",
    ]


def test_shown_settings_hold_no_secret(tmp_path):
    key = base64.b64encode(bytes(32)).decode()
    loaded = load_settings(
        HOME
        | {
            "UNKEY_ROOT_KEY": CANARY,
            "CLERK_WEBHOOK_SIGNING_SECRET": CANARY,
            "UNKEY_SYNC_SECRET_KEY": key,
            "UNKEY_SYNC_DATABASE_URL": f"postgresql://me:{CANARY}@db:5432/ledger?sslpassword={CANARY}",
        }
    )

    text = repr(show(loaded)) + repr(loaded) + str(loaded.settings)

    assert CANARY not in text
    assert key not in text
    assert "postgresql://me:********@db:5432/ledger?********" in text


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("memory://", "memory://"),
        ("sqlite:////var/lib/x.db", "sqlite:////var/lib/x.db"),
        ("redis://:p/a@ss@host:1/0", "redis://:********@host:1/0"),
        ("amqp://guest@host//", "amqp://guest@host//"),
    ],
)
def test_a_url_is_shown_without_its_password(url, shown):
    assert mask_url(url) == shown


def test_every_variable_names_a_setting_that_exists():
    for variable in ALL:
        names = variable.path if variable.path[0] != "sources" else ("sources",)
        assert names[0] in Settings.model_fields


def test_every_setting_has_a_description():
    def check(model: type) -> None:
        for name, field in model.model_fields.items():  # type: ignore[attr-defined]
            if hasattr(field.annotation, "model_fields"):
                check(field.annotation)
            else:
                assert field.description, f"{model.__name__}.{name}"

    check(Settings)
