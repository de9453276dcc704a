from contextlib import closing

import pytest
from src import migrate
from src.database import open_sqlite

NAMES = ["0001_orders", "0002_order_status"]


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "0001_a.sql").write_text("create table a (id text);\ncreate table b (id text);\n")
    (tmp_path / "0002_b.sql").write_text("create table c (id text);\nalter table missing add column id text;\n")
    return tmp_path


def test_migrations_are_applied_in_order_and_only_once(settings):
    assert (migrate.apply(settings), migrate.apply(settings)) == (NAMES, [])


def test_the_command_prints_a_line_each(settings, capsys):
    assert migrate.command(settings) == 0
    assert migrate.command(settings) == 0
    assert capsys.readouterr().out == "applied 0001_orders\napplied 0002_order_status\nnothing to apply\n"


def test_the_listing_changes_nothing(settings):
    assert migrate.listing(settings) == migrate.listing(settings) == [f"pending {name}" for name in NAMES]


def test_the_listing_names_migrations_of_a_newer_release(settings, folder):
    migrate.apply(settings)
    assert migrate.listing(settings, folder)[0] == "pending 0001_a"
    assert "applied 0002_order_status (of another release)" in migrate.listing(settings, folder)


def test_a_failing_migration_leaves_nothing_applied(settings, folder):
    with pytest.raises(migrate.MigrationFailed, match="0002_b: .*missing"):
        migrate.apply(settings, folder)
    assert migrate.listing(settings, folder) == ["pending 0001_a", "pending 0002_b"]


def columns(settings) -> set[str]:
    with closing(open_sqlite(settings.sqlite_path)) as connection:
        return {row[1] for row in connection.execute("pragma table_info(orders)")}


def test_a_migration_that_was_taken_back_can_be_applied_again(settings):
    migrate.apply(settings)
    assert "status" in columns(settings)
    assert migrate.take_back(settings, "0001_orders") == ["0002_order_status"]
    assert "status" not in columns(settings)
    assert migrate.apply(settings) == ["0002_order_status"]


def test_the_command_says_what_it_took_back(settings, capsys):
    migrate.apply(settings)
    assert migrate.command(settings, down_to="0001_orders") == 0
    assert migrate.command(settings, down_to="0001_orders") == 0
    assert capsys.readouterr().out == "took back 0002_order_status\nnothing to take back\n"


def test_the_newest_migration_is_how_far_a_newer_release_goes_back(settings, capsys):
    assert migrate.command(settings, only="newest") == 0
    assert capsys.readouterr().out == "0002_order_status\n"


@pytest.mark.parametrize("to", ["0001", "0003_unknown", ""])
def test_nothing_is_taken_back_to_what_was_never_applied(settings, to):
    migrate.apply(settings)
    with pytest.raises(migrate.MigrationFailed, match=f'"{to}": was never applied'):
        migrate.take_back(settings, to)


def test_without_a_way_back_nothing_is_taken_back(settings, folder):
    (folder / "0002_b.sql").write_text("create table c (id text);\n")
    (folder / "0003_c.sql").write_text("create table d (id text);\n")
    (folder / "down").mkdir()
    (folder / "down" / "0003_c.sql").write_text("drop table d;\n")
    migrate.apply(settings, folder)
    with pytest.raises(migrate.MigrationFailed, match="0002_b: this release has no migrations/down/0002_b.sql"):
        migrate.take_back(settings, "0001_a", folder)
    assert migrate.listing(settings, folder) == ["applied 0001_a", "applied 0002_b", "applied 0003_c"]
