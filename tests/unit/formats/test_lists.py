"""Lists of PVs: plain, autosave's and PSI's, with their includes."""

import pytest

from tests.unit.formats.folder import Folder


@pytest.mark.parametrize(
    ("content", "pvs"),
    [
        ("", []),
        ("A\nB\n", ["A", "B"]),
        ("A\r\nB\r\n", ["A", "B"]),
        ("A\rB", ["A", "B"]),
        ("\ufeffA\n", ["A"]),
        ("# A\n  # B\n\n \t\nC", ["C"]),
        ("  A  \n\tB\t", ["A", "B"]),
        ("A, tail, $(UNDEFINED)\nB tail\nC # tail\nD,tail", ["A", "B", "C", "D"]),
        ("$(P)m1.VAL\n${P}m2.DESC$\n$(P=x)m3\n$(X=y:)m4", ["SR:m1.VAL", "SR:m2.DESC$", "SR:m3", "y:m4"]),
        ("SR{Mag:1}Set-SP\n[a]<b>;c", ["SR{Mag:1}Set-SP", "[a]<b>;c"]),
        ("data{\nA\n}\ndata{ x\nB\n} x\n", ["A", "B"]),
        ("files:A\nfilename", ["files:A", "filename"]),
        ("Ä:PV", ["Ä:PV"]),
    ],
)
def test_pvs_of_a_list(folder: Folder, content: str, pvs: list[str]) -> None:
    folder.write("top.req", content)
    assert folder.pvs("top.req", macros={"P": "SR:"}) == pvs


HEAD = """
{
  "labels": {"force_labels": false, "labels": ["golden", "md"]},
  "filters": {"filters": ["QUAD"], "rgx_filters": [["bends", "^BEND.*"]]},
  "machine_params": [["current", "DEMO:BEAM:CUR"], ["energy", "DEMO:E"]]
}"""


def test_psi_request_file_with_its_json_head(folder: Folder) -> None:
    body = '\n# set points\n$(SYS):I-SET\n!sub/rf.req, "SYS=$(SYS),N=1"\n!sub/rf.req, "SYS=$(SYS),N=2"\n'
    folder.write("top.req", HEAD + body)
    folder.write("sub/rf.req", "$(SYS):RF$(N)\n")
    assert folder.pvs("top.req", macros={"SYS": "DEMO"}) == ["DEMO:I-SET", "DEMO:RF1", "DEMO:RF2"]


def test_lines_are_counted_with_the_head(folder: Folder) -> None:
    folder.write("top.req", HEAD + "\nA\n$(X)\n")
    assert folder.faults("top.req") == ["top.req:8: macro $(X) is not defined"]


def test_broken_head(folder: Folder) -> None:
    folder.write("top.req", '{\n "labels": [}\n}\nA\n')
    (fault,) = folder.faults("top.req")
    assert fault.startswith("top.req:2: the JSON head cannot be read: ")
    folder.write("deep.req", '{"a":' * 100_000)
    assert folder.faults("deep.req") == ["deep.req:1: the JSON head cannot be read: it is nested too deeply"]


def test_a_head_in_an_included_file_is_refused(folder: Folder) -> None:
    folder.write("top.req", "!sub.req\n")
    folder.write("sub.req", "{}\nA\n")
    why = "no PV name begins with '{'; a JSON head stands at the start of a file that nothing includes"
    assert folder.faults("top.req") == [f"sub.req:1: {why} (included at top.req:1)"]


@pytest.mark.parametrize(
    "include",
    [
        "file sub.req P=$(P),N=3",
        "file   sub.req   P=$(P)  N=3",
        "file sub.req, P=$(P), N=3",
        'file "sub.req" P=$(P), N=3',
        'file "sub.req" "P=$(P), N=3"',
        'file "$(NAME).req" P="$(P)" N=\'3\'',
        '!sub.req, "P=$(P),N=3"',
        "!sub.req,'P=$(P), N = 3'",
        '! sub.req , "P=$(P),N=3"',
        '!$(NAME).req, "P=$(P=x),N=3"',
        '!sub.req, "P=$(P),N=3,UNUSED="',
    ],
)
def test_ways_of_including(folder: Folder, include: str) -> None:
    folder.write("top.req", f"A\n{include}\nZ\n")
    folder.write("sub.req", "$(P)$(N)\n")
    assert folder.pvs("top.req", macros={"P": "SR:", "NAME": "sub"}) == ["A", "SR:3", "Z"]


@pytest.mark.parametrize("include", ["file sub.req", 'file "sub.req" ""', "!sub.req", "!sub.req,", '!sub.req, ""'])
def test_includes_inherit_no_macros(folder: Folder, include: str) -> None:
    folder.write("top.req", include)
    folder.write("sub.req", "$(P)B\n")
    fault = "sub.req:1: macro $(P) is not defined (included at top.req:1)"
    assert folder.faults("top.req", macros={"P": "SR:"}) == [fault]


def test_a_comment_may_stand_in_the_macros_of_an_include(folder: Folder) -> None:
    # autosave 5.1: '#' is allowed inside the macros, so there are no comments behind a `file` line.
    folder.write("top.req", "file sub.req N=3 # 4\n")
    folder.write("sub.req", "A$(N)\n")
    assert folder.faults("top.req") == ["top.req:1: '#' is no macro definition: NAME=VALUE is"]


@pytest.mark.parametrize(
    ("include", "fault"),
    [
        ("file", "the include names no file, or the quote around its name is not closed"),
        ('file "sub.req', "the include names no file, or the quote around its name is not closed"),
        ('file ""', "the include names no file"),
        ("!", "the include names no file"),
        ('!, "A=1"', "the include names no file"),
        ("file sub.req A", "'A' is no macro definition: NAME=VALUE is"),
        ("file sub.req =1", "'=' is no macro definition: NAME=VALUE is"),
        ('!sub.req, "A"', "'A' is no macro definition: NAME=VALUE is"),
        ("!sub.req, A=1", 'the macros of an include stand in quotes: !file, "A=1,B=2"'),
        ("!sub.req, \"A=1'", 'the macros of an include stand in quotes: !file, "A=1,B=2"'),
        ('!sub.req, "A=1" x', 'the macros of an include stand in quotes: !file, "A=1,B=2"'),
        ('!sub.req, "A=$(X)"', "macro $(X) is not defined"),
        ("file $(X).req", "macro $(X) is not defined"),
    ],
)
def test_wrong_includes(folder: Folder, include: str, fault: str) -> None:
    folder.write("top.req", f"\n{include}\n")
    folder.write("sub.req", "A\n")
    assert folder.faults("top.req") == [f"top.req:2: {fault}"]


def test_included_beside_the_including_file_then_beside_the_top_file(folder: Folder) -> None:
    folder.write("top.req", "!deep/a.req\n")
    folder.write("deep/a.req", "!b.req\n!c.req\n!../d.req\n")
    folder.write("deep/b.req", "DEEP:B\n")
    folder.write("b.req", "TOP:B\n")
    folder.write("c.req", "TOP:C\n")
    folder.write("d.req", f'!{folder.path / "e.req"}, "N=E"\n')
    folder.write("e.req", "TOP:$(N)\n")
    assert folder.pvs("top.req") == ["DEEP:B", "TOP:C", "TOP:E"]


def test_a_list_may_include_a_table(folder: Folder) -> None:
    folder.write("top.req", '!table.csv, "P=SR:"\nB\n')
    folder.write("table.csv", "pv,order\n$(P)A,3\n")
    assert [(member.pv, member.order) for member in folder.members("top.req")] == [("SR:A", 3), ("B", 0)]


def test_loops_are_refused_with_a_trace(folder: Folder) -> None:
    folder.write("a.req", "!b.req\n")
    folder.write("b.req", "B\nfile sub/../c.req\n")
    folder.write("c.req", "C\n!a.req\n")
    (folder.path / "sub").mkdir()
    (fault,) = folder.faults("a.req")
    loop = "the file is included by itself: a.req -> b.req -> sub/../c.req -> sub/../a.req"
    assert fault == f"sub/../c.req:2: {loop} (included at b.req:2)"


def test_the_same_file_twice_with_other_macros_is_no_loop(folder: Folder) -> None:
    folder.write("top.req", '!a.req, "N=1"\n!a.req, "N=2"\n')
    folder.write("a.req", '!b.req, "N=$(N)"\n')
    folder.write("b.req", "B$(N)\n")
    assert folder.pvs("top.req") == ["B1", "B2"]


def test_files_that_cannot_be_read(folder: Folder) -> None:
    folder.write("top.req", "!gone.req\nfile folder\n!latin.req\n!sub/other.req\n")
    folder.write("latin.req", b"A\nB\n\xe4:PV\n")
    folder.write("sub/other.req", "!gone.req\n!nul\0.req\n")
    (folder.path / "folder").mkdir()
    assert folder.faults("top.req")[:4] == [
        "top.req:1: cannot include gone.req: gone.req: No such file or directory",
        "top.req:2: cannot include folder: folder: Is a directory",
        "top.req:3: cannot include latin.req: latin.req:3: not UTF-8: byte 0xe4",
        "sub/other.req:1: cannot include gone.req: sub/gone.req: No such file or directory (included at top.req:4)",
    ]
    assert "embedded null byte" in folder.faults("top.req")[4]


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("gone.req", "gone.req: No such file or directory (a file of set SET)"),
        ("gone.csv", "gone.csv: No such file or directory (a file of set SET)"),
        ("folder", "folder: Is a directory (a file of set SET)"),
        ("utf16.csv", "utf16.csv:1: not UTF-8: byte 0xff (a file of set SET)"),
        ("psi.yaml", "psi.yaml: .yaml request files are not read; make it a .req or .csv file (a file of set SET)"),
    ],
)
def test_top_files_that_cannot_be_read(folder: Folder, name: str, fault: str) -> None:
    (folder.path / "folder").mkdir()
    folder.write("utf16.csv", "pv\nA\n".encode("utf-16"))
    folder.write("psi.yaml", "include:\n")
    assert folder.faults(name) == [fault]
