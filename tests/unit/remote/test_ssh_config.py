from autogrowth_ops.remote.ssh_config import expanded


def test_a_missing_file_has_no_lines(tmp_path):
    assert list(expanded(tmp_path / "config")) == []


def test_included_files_stand_in_place_and_the_section_goes_on(tmp_path):
    (tmp_path / "config").write_text("Host a\n  Include b.conf\n  Port 1\n")
    (tmp_path / "b.conf").write_text("Host b\n  Port 2\n")

    assert list(expanded(tmp_path / "config")) == ["Host a", "Host b", "  Port 2", "Host a", "  Port 1"]


def test_an_include_of_absolute_patterns_takes_every_file_in_order(tmp_path):
    (tmp_path / "config").write_text(f'include = "{tmp_path}/*.conf"\n')
    (tmp_path / "b.conf").write_text("Port 2\n")
    (tmp_path / "a.conf").write_text("Port 1\n")

    assert list(expanded(tmp_path / "config")) == ["Port 1", "Port 2", "Host *"]


def test_files_that_include_themselves_end(tmp_path):
    (tmp_path / "config").write_text("Include config\nPort 1\n")

    assert list(expanded(tmp_path / "config")).count("Port 1") == 17
