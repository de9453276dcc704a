import pytest
from src import migrate

NAMES = ["0001_orders", "0002_order_status"]


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "0001_a.sql").write_text("create table a (id text);\ncreate table b (id text);\n")
    (tmp_path / "0002_b.sql").write_text("create table c (id text);\nalter table missing add column id text;\n")
    return tmp_path


def test_migrations_are_applied_in_order_and_only_once(settings):
    assert (migrate.apply(settings), migrate.apply(settings)) == (NAMES, [])


def test_the_command_prints_a_line_each(settings, capsys):
    assert migrate.command(settings, only_list=False) == 0
    assert migrate.command(settings, only_list=False) == 0
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
