"""`unkey-sync config`: what is set, where it came from, what is wrong with it."""

from __future__ import annotations

from unkey_sync.settings.example import example_env


def test_show_prints_every_setting_with_its_origin_and_no_secret(cli):
    path = cli.write_config()
    cli.environment["UNKEY_ROOT_KEY"] = "unkey_abcdefghijklmnop"

    ran = cli.run("config", "show", "--origin")

    lines = {line.split()[0]: line for line in ran.out.splitlines()}
    assert ran.code == 0
    assert lines["unkey.root_key"].split() == ["unkey.root_key", "********", "env", "UNKEY_ROOT_KEY"]
    assert lines["sources.toy.kind"].endswith(f"{path}:2")
    assert lines["web.port"].split() == ["web.port", "8787", "default"]
    assert "tin-whistle" not in ran.out


def test_show_as_json_has_value_and_origin(cli):
    ran = cli.run("config", "show", "--json")

    assert ran.json["web.port"] == {"value": 8787, "origin": "default"}


def test_show_without_origin_has_two_columns(cli):
    lines = cli.run("config", "show").out.splitlines()

    assert ["web.port", "8787"] in [line.split() for line in lines]


def test_check_accepts_a_good_file(cli):
    path = cli.write_config()

    ran = cli.run("config", "check")

    assert (ran.code, ran.out, ran.err) == (0, f"ok: {path}\n", "")


def test_check_tells_every_problem_of_settings_sources_and_policy(cli):
    path = cli.write_config('[web]\nprt = 1\n\n[subjects]\nowner = "nobody"\n')

    ran = cli.run("config", "check")

    assert ran.code == 2
    assert f"error[config]: {path}:2: web.prt: unknown key; did you mean `port`?" in ran.err
    assert f"{path}:5: subjects.owner:" in ran.err


def test_check_finds_a_connector_that_does_not_exist(cli):
    path = cli.write_config('[sources.x]\nkind = "tooy"\n')

    ran = cli.run("config", "check", "--json")

    assert ran.code == 2
    assert ran.json == {
        "ok": False,
        "file": str(path),
        "problems": [
            {
                "where": f"{path}:2",
                "key": "sources.x",
                "message": "no connector of kind tooy; did you mean `toy`?",
            }
        ],
    }


def test_check_finds_a_secret_in_a_form_its_connector_cannot_use(cli):
    cli.write_config('[sources.x]\nkind = "toy"\nwebhook_secrets = ["broken-secret"]\n')

    ran = cli.run("config", "check")

    assert ran.code == 2
    assert "the secret has no valid form" in ran.err
    assert "broken-secret" not in ran.err


def test_check_of_broken_toml_names_the_line(cli):
    path = cli.write_config("[web\n")

    ran = cli.run("config", "check")

    assert ran.code == 2
    assert f"{path}:1: " in ran.err
    assert "Traceback" not in ran.err


def test_path_prints_the_file_that_is_used(cli):
    path = cli.write_config()

    assert cli.run("config", "path").out == f"{path}\n"


def test_path_without_a_file_says_where_it_looked(cli):
    ran = cli.run("config", "path")

    assert (ran.code, ran.out) == (1, "")
    assert str(cli.folder / ".config" / "unkey-sync" / "unkey-sync.toml") in ran.err


def test_the_schema_covers_settings_and_policy(cli):
    schema = cli.run("config", "schema").json

    assert {"unkey", "sources", "plans", "guard"} <= set(schema["properties"])


def test_the_example_is_printed_as_it_is_committed(cli):
    assert cli.run("config", "example").out == example_env()
