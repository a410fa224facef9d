"""The configuration file: what it may say, what it means when it is silent, and what it is told when it is wrong."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from snapioc.config import (
    LONGEST_NAME,
    LONGEST_SUFFIX,
    ChannelsConfig,
    Config,
    IocConfig,
    RestoreConfig,
    load_config,
    load_sets,
    store_url,
)
from snapioc.model import ConfigError

LEAST = """
[store]
url = "sqlite:///snapshots.db"
[[set]]
name = "MAGNETS"
files = ["magnets.req"]
"""

FULL = """
[ioc]
prefix = "SR{Snap}"
port = 5070
interfaces = ["127.0.0.1", "10.0.0.1"]
[store]
url = "sqlite:////var/lib/snapshots.db"
[channels]
connect_timeout = 0
read_timeout = 1
write_timeout = 7.5
[restore]
enabled = false
permit_pv = "MODE:RESTORE_OK"
[[set]]
name = "MAGNETS"
files = ["common.csv", { path = "magnets.req", macros = { P = "SR:" } }]
min_complete = 0.95
read_timeout = 3
policy = "Best effort"
changed = false
verify = false
rate = 250
batch = 50
settle = 0.5
[[set]]
name = "rf-2_b"
files = [{ path = "/abs/rf.req" }]
"""

Load = Callable[..., Config]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    def load(text: str | bytes, **ioc: object) -> Config:
        path = tmp_path / "snapioc.toml"
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return load_config(path, ioc)

    return load


def faults_of(load: Load, text: str | bytes, **ioc: object) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(text, **ioc)
    lines = str(caught.value).split("\n")
    assert all("snapioc.toml: " in line or "snapioc.toml:" in line for line in lines)
    return [line.split("snapioc.toml: ")[-1] for line in lines]


def test_defaults(load: Load, tmp_path: Path) -> None:
    config = load(LEAST)
    assert config.path == tmp_path / "snapioc.toml"
    assert config.ioc == IocConfig("SNAP:", None, None)
    assert config.channels == ChannelsConfig(5.0, 2.0, 5.0)
    assert config.restore == RestoreConfig(True, None)
    (only,) = config.sets
    assert (only.min_complete, only.read_timeout) == (None, None)
    assert (only.policy, only.changed, only.verify) == ("Strict", True, True)
    assert (only.rate, only.batch, only.settle) == (0.0, None, 0.0)
    assert [(file.path, dict(file.macros)) for file in only.files] == [(tmp_path / "magnets.req", {})]


def test_everything_said(load: Load, tmp_path: Path) -> None:
    config = load(FULL)
    assert config.ioc == IocConfig("SR{Snap}", 5070, ("127.0.0.1", "10.0.0.1"))
    assert config.store.url == "sqlite:////var/lib/snapshots.db"
    assert config.channels == ChannelsConfig(0.0, 1.0, 7.5)
    assert config.restore == RestoreConfig(False, "MODE:RESTORE_OK")
    magnets, rf = config.sets
    assert (magnets.name, magnets.min_complete, magnets.read_timeout) == ("MAGNETS", 0.95, 3.0)
    assert (magnets.policy, magnets.changed, magnets.verify) == ("Best effort", False, False)
    assert (magnets.rate, magnets.batch, magnets.settle) == (250.0, 50, 0.5)
    assert [file.path for file in magnets.files] == [tmp_path / "common.csv", tmp_path / "magnets.req"]
    assert [dict(file.macros) for file in magnets.files] == [{}, {"P": "SR:"}]
    assert (rf.name, [file.path for file in rf.files]) == ("rf-2_b", [Path("/abs/rf.req")])


@pytest.mark.parametrize("text", [LEAST.replace("\n", "\r\n"), "\ufeff" + LEAST, LEAST + "# Ä\n"])
def test_as_editors_write_it(load: Load, text: str) -> None:
    assert load(text).sets[0].name == "MAGNETS"


def test_the_configuration_cannot_be_changed(load: Load) -> None:
    config = load(LEAST)
    for part, key in ((config, "path"), (config.ioc, "prefix"), (config.sets[0], "verify")):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(part, key, None)


def test_the_command_line_goes_before_the_file(load: Load) -> None:
    assert load(FULL, prefix="X:", port=5071).ioc == IocConfig("X:", 5071, ("127.0.0.1", "10.0.0.1"))
    assert load(LEAST, interfaces=("127.0.0.1",)).ioc == IocConfig("SNAP:", None, ("127.0.0.1",))
    assert faults_of(load, FULL, prefix="a b") == ["ioc.prefix: ' ' cannot stand in a PV name"]


ONE_SET = '[[set]]\nname = "A"\nfiles = ["a"]\n'
STORE = '[store]\nurl = "sqlite:///x.db"\n'


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "store: is missing"),
        (STORE, "set: is missing"),
        ("set = []\n" + STORE, "set: is empty"),
        (STORE + '[set]\nname = "A"\n', "set: Input should be a valid tuple"),
        (STORE + ONE_SET + "[extra]\n", "extra: unknown key"),
        ('path = "x"\n' + STORE + ONE_SET, "path: unknown key"),
        ("ioc = 1\n" + STORE + ONE_SET, "ioc: Input should be a dictionary or an instance of IocConfig (it is 1)"),
        (STORE + "uri = 1\n" + ONE_SET, "store.uri: unknown key"),
        (STORE + ONE_SET + "color = 1\n", "set[0].color: unknown key"),
        (STORE + ONE_SET + '[[set]]\nfiles = ["a"]', "set[1].name: is missing"),
        (STORE + '[[set]]\nname = "A"', "set[0].files: is missing"),
        (
            STORE + '[[set]]\nname = "A"\nfiles = []',
            "set[0].files: is empty",
        ),
        (STORE + '[[set]]\nname = "A"\nfiles = "a"', "set[0].files: Input should be a valid tuple (it is 'a')"),
        (STORE + '[[set]]\nname = "A"\nfiles = ["a", {path = "b", macro = {}}]', "set[0].files[1].macro: unknown key"),
        (STORE + '[[set]]\nname = "A"\nfiles = ["a", {macros = {}}]', "set[0].files[1].path: is missing"),
        (
            STORE + '[[set]]\nname = "A"\nfiles = [{path = "b", macros = {N = 1}}]',
            "set[0].files[0].macros.N: Input should be a valid string (it is 1)",
        ),
        (
            STORE + ONE_SET + "min_complete = 1.5",
            "set[0].min_complete: Input should be less than or equal to 1 (it is 1.5)",
        ),
        (
            STORE + ONE_SET + "min_complete = -0.1",
            "set[0].min_complete: Input should be greater than or equal to 0 (it is -0.1)",
        ),
        (STORE + ONE_SET + 'min_complete = "1"', "set[0].min_complete: Input should be a valid number (it is '1')"),
        (STORE + ONE_SET + "read_timeout = 0", "set[0].read_timeout: Input should be greater than 0 (it is 0)"),
        (STORE + ONE_SET + "read_timeout = inf", "set[0].read_timeout: Input should be a finite number (it is inf)"),
        (
            STORE + ONE_SET + 'policy = "strict"',
            "set[0].policy: Input should be 'Strict' or 'Best effort' (it is 'strict')",
        ),
        (STORE + ONE_SET + "verify = 1", "set[0].verify: Input should be a valid boolean (it is 1)"),
        (STORE + ONE_SET + 'changed = "yes"', "set[0].changed: Input should be a valid boolean (it is 'yes')"),
        (STORE + ONE_SET + "rate = -1", "set[0].rate: Input should be greater than or equal to 0 (it is -1)"),
        (STORE + ONE_SET + "rate = inf", "set[0].rate: Input should be a finite number (it is inf)"),
        (STORE + ONE_SET + "rate = true", "set[0].rate: Input should be a valid number (it is True)"),
        (STORE + ONE_SET + "batch = 0", "set[0].batch: Input should be greater than or equal to 1 (it is 0)"),
        (STORE + ONE_SET + "batch = 1.5", "set[0].batch: Input should be a valid integer (it is 1.5)"),
        (STORE + ONE_SET + 'settle = "1 s"', "set[0].settle: Input should be a valid number (it is '1 s')"),
        (STORE + ONE_SET + "settle = nan", "set[0].settle: Input should be a finite number (it is nan)"),
        (
            STORE + ONE_SET + "[channels]\nconnect_timeout = -1",
            "channels.connect_timeout: Input should be greater than or equal to 0 (it is -1)",
        ),
        (
            STORE + ONE_SET + "[channels]\nwrite_timeout = nan",
            "channels.write_timeout: Input should be a finite number (it is nan)",
        ),
        (STORE + ONE_SET + '[ioc]\nport = "5064"', "ioc.port: Input should be a valid integer (it is '5064')"),
        (STORE + ONE_SET + "[ioc]\nport = 65536", "ioc.port: Input should be less than or equal to 65535 (it is 65536)"),
        (STORE + ONE_SET + '[ioc]\nprefix = ""', "ioc.prefix: the prefix is empty"),
        (STORE + ONE_SET + '[ioc]\nprefix = "A B"', "ioc.prefix: ' ' cannot stand in a PV name"),
        (STORE + ONE_SET + '[ioc]\nprefix = "A$"', "ioc.prefix: '$' cannot stand in a PV name"),
        (STORE + ONE_SET + '[ioc]\nprefix = "A.B"', "ioc.prefix: '.' cannot stand in a record name"),
        (
            STORE + ONE_SET + "[ioc]\ninterfaces = []",
            "ioc.interfaces: is empty",
        ),
        (STORE + ONE_SET + '[restore]\npermit_pv = ""', "restore.permit_pv: the PV name is empty"),
        (STORE + ONE_SET + '[restore]\npermit_pv = "A B"', "restore.permit_pv: ' ' cannot stand in a PV name"),
        (STORE + ONE_SET + '[restore]\nenabled = "no"', "restore.enabled: Input should be a valid boolean (it is 'no')"),
        (
            '[store]\nurl = "snapshots.db"\n' + ONE_SET,
            "store.url: no SQLAlchemy URL, which looks like sqlite:///snapshots.db",
        ),
        (
            '[store]\nurl = "sqlite://"\n' + ONE_SET,
            "store.url: names no file: snapshots in memory are lost when the program ends",
        ),
        (
            '[store]\nurl = "sqlite:///:memory:"\n' + ONE_SET,
            "store.url: names no file: snapshots in memory are lost when the program ends",
        ),
        (STORE + ONE_SET + ONE_SET, "set[1].name: set[0] has the name A already"),
    ],
)
def test_faults(load: Load, text: str, fault: str) -> None:
    assert fault in faults_of(load, text)


@pytest.mark.parametrize("name", ["LIST", "SEL", "HIST", "DIFF", "IOC"])
def test_names_of_the_console(load: Load, name: str) -> None:
    fault = f"set[0].name: no set can have the name {name}, which the console uses"
    assert faults_of(load, LEAST.replace("MAGNETS", name)) == [fault]


@pytest.mark.parametrize("name", ["", "A B", "A:B", "Ä", "A" * 25, "A\\n"])
def test_set_names_that_are_refused(load: Load, name: str) -> None:
    (fault,) = faults_of(load, LEAST.replace("MAGNETS", name))
    assert fault.startswith("set[0].name: String should match pattern")


@pytest.mark.parametrize("name", ["A", "List", "a-b_C9", "A" * 24, "-"])
def test_set_names_that_are_taken(load: Load, name: str) -> None:
    assert load(LEAST.replace("MAGNETS", name)).sets[0].name == name


def test_every_fault_is_told_at_once(load: Load) -> None:
    text = '[ioc]\nport = 0\n[store]\n[[set]]\nname = ""\nfiles = ["a"]\n[[set]]\nname = "B"\nverify = 3\n'
    keys = [fault.split(":")[0] for fault in faults_of(load, text)]
    assert sorted(keys) == ["ioc.port", "set[0].name", "set[1].files", "set[1].verify", "store.url"]


def test_toml_faults_name_the_line(load: Load) -> None:
    (fault,) = faults_of(load, LEAST + "min_complete = \n")
    assert "line 7" in fault
    (fault,) = faults_of(load, LEAST + LEAST)
    assert "line 8" in fault
    with pytest.raises(ConfigError, match=r"snapioc\.toml:2: not UTF-8"):
        load(b"\n\xe4 = 1\n")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(tmp_path / "gone.toml")
    assert str(caught.value) == f"{tmp_path}/gone.toml: No such file or directory"


def test_a_password_is_not_told(load: Load) -> None:
    (fault,) = faults_of(load, '[store]\nurl = "postgresql://me:secret@host:port/db"\n' + ONE_SET)
    assert "secret" not in fault


def test_names_that_would_be_too_long(load: Load) -> None:
    room = LONGEST_NAME - len("MAGNETS:") - LONGEST_SUFFIX
    assert load(LEAST, prefix="P" * room).ioc.prefix == "P" * room
    (fault,) = faults_of(load, LEAST, prefix="P" * (room + 1))
    assert fault.startswith("set[0].name: with the prefix 'PPP")
    assert fault.endswith("the set MAGNETS would have PV names of 60 characters; 59 is the most")


def with_consoles(consoles: str) -> str:
    return f"[ioc]\nconsoles = {consoles}\n" + LEAST


def test_further_consoles(load: Load) -> None:
    assert load(LEAST).ioc.consoles == ()
    assert load(with_consoles('["OP1", "control-room_2"]')).ioc.consoles == ("OP1", "control-room_2")


@pytest.mark.parametrize(
    ("consoles", "fault"),
    [
        ('["OP1", "OP1"]', "ioc.consoles: the name OP1 stands there twice"),
        ('["SEL"]', "ioc.consoles: no console can have the name SEL, which the main console uses"),
        ('["MAGNETS"]', "ioc.consoles[0]: set[0] has the name MAGNETS, and their PVs would be the same"),
        ('["O P"]', "ioc.consoles[0]: String should match pattern '^[A-Za-z0-9_-]{1,24}$' (it is 'O P')"),
        ('[""]', "ioc.consoles[0]: String should match pattern '^[A-Za-z0-9_-]{1,24}$' (it is '')"),
    ],
)
def test_console_names_that_are_refused(load: Load, consoles: str, fault: str) -> None:
    assert faults_of(load, with_consoles(consoles)) == [fault]


def test_a_console_name_that_would_be_too_long(load: Load) -> None:
    name = "C" * 24
    room = LONGEST_NAME - len(name) - 1 - LONGEST_SUFFIX
    text = with_consoles(f'["{name}"]')
    assert load(text, prefix="P" * room).ioc.consoles == (name,)
    (fault,) = faults_of(load, text, prefix="P" * (room + 1))
    assert fault.startswith("ioc.consoles[0]: with the prefix 'PPP")
    assert fault.endswith(f"the console {name} would have PV names of 60 characters; 59 is the most")


@pytest.mark.parametrize(
    ("url", "opened"),
    [
        ("sqlite:///x.db", "sqlite:///{folder}/x.db"),
        ("sqlite:///sub/x.db", "sqlite:///{folder}/sub/x.db"),
        ("sqlite:////abs/x.db", "sqlite:////abs/x.db"),
        ("sqlite+aiosqlite:///x.db", "sqlite+aiosqlite:///{folder}/x.db"),
        ("sqlite:///x.db?timeout=5", "sqlite:///{folder}/x.db?timeout=5"),
        ("sqlite:///file:x.db?uri=true", "sqlite:///file:x.db?uri=true"),
        ("postgresql://me:secret@host/snap", "postgresql://me:secret@host/snap"),
    ],
)
def test_store_url(load: Load, tmp_path: Path, url: str, opened: str) -> None:
    config = load(LEAST.replace("sqlite:///snapshots.db", url))
    assert config.store.url == url
    assert store_url(config) == opened.format(folder=tmp_path)


def test_a_relative_configuration_gives_an_absolute_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("snapioc.toml").write_text(LEAST)
    config = load_config(Path("snapioc.toml"))
    assert config.sets[0].files[0].path == Path("magnets.req")
    assert store_url(config) == f"sqlite:///{tmp_path}/snapshots.db"


def test_the_store_may_lie_in_any_folder(tmp_path: Path) -> None:
    path = tmp_path / "ä b%20#?:@c" / "snapioc.toml"
    path.parent.mkdir()
    path.write_text(LEAST)
    assert make_url(store_url(load_config(path))).database == str(path.parent / "snapshots.db")


def sets_of(config: Config, **files: str) -> list[str]:
    """The faults of the configured sets, whose files hold this, or their PVs."""
    for name, content in files.items():
        (config.path.parent / name.replace("_", ".")).write_text(content)
    try:
        return [f"{pv_set.name}: {','.join(pv_set.pvs)}" for pv_set in load_sets(config)]
    except ConfigError as error:
        return str(error).replace(f"{config.path.parent}/", "").split("\n")


def test_load_sets(load: Load) -> None:
    config = load(FULL.replace("/abs/", ""))
    found = sets_of(config, common_csv="pv\nA\n", magnets_req="$(P)B\n", rf_req="C\nA\n")
    assert found == ["MAGNETS: A,SR:B", "rf-2_b: C,A"]


def test_faults_of_all_sets_are_told(load: Load) -> None:
    config = load(FULL.replace("/abs/", ""))
    assert sets_of(config, common_csv="pv\nA\nA\n", rf_req="$(X)\n") == [
        "common.csv:3: A stands in the set already, at common.csv:2",
        "magnets.req: No such file or directory (a file of set MAGNETS)",
        "rf.req:1: macro $(X) is not defined",
    ]


def test_a_set_has_at_least_one_pv(load: Load) -> None:
    found = sets_of(load(LEAST), magnets_req="# none\n")
    assert found == ["snapioc.toml: set[0].files: set MAGNETS has no PV"]


def test_a_set_cannot_hold_our_own_pvs(load: Load) -> None:
    own = "names that start with 'SNAP:' are snapioc's own, and no set can save them"
    found = sets_of(load(LEAST), magnets_req="A\nSNAP:TITLE\n!t.csv\n", t_csv="pv,readback\nSNAPPER,\nB,SNAP:X\n")
    assert found == [
        f"magnets.req:2: SNAP:TITLE: {own}",
        f"t.csv:3: readback SNAP:X: {own} (included at magnets.req:3)",
    ]
