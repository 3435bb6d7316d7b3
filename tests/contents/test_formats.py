"""What a file is, by its bytes; what it only claims to be; and maps of the source code."""

import json
import struct

import pytest

from support.bundles import found, kinds, look_into, zipped

PE = b"MZ" + b"\0" * 58 + struct.pack("<I", 64) + b"PE\0\0"
NATIVE = {
    "elf": b"\x7fELF\2\1\1",
    "mach-o": b"\xcf\xfa\xed\xfe\7\0\0\1",
    "pe": PE,
    "dex": b"dex\n035\0",
    "static-library": b"!<arch>\n",
    "llvm-bitcode": b"BC\xc0\xde",
}


@pytest.mark.parametrize("kind", NATIVE)
def test_native_code_is_told_whatever_its_name(kind: str) -> None:
    report = look_into({"assets/logo.png": NATIVE[kind] + b"\0" * 100})

    assert found(report.native_code) == [("assets/logo.png", kind, 0)]


@pytest.mark.parametrize(
    ("head", "kind"),
    [(b"\xca\xfe\xba\xbe\0\0\0\2", "mach-o"), (b"\xca\xfe\xba\xbe\0\0\0\x34", "java")],
)
def test_a_fat_library_and_a_java_class_begin_alike(head: bytes, kind: str) -> None:
    assert kinds(look_into({"a": head}).native_code) == [kind]


@pytest.mark.parametrize(
    "name", ["lib.so", "a/lib.so.1", "x.DYLIB", "a.dll", "A.framework/A", "classes.dex", "a.node"]
)
def test_native_code_is_told_by_name_too(name: str) -> None:
    assert found(look_into({name: "not what it says"}).native_code) == [(name, "by-name", 0)]


@pytest.mark.parametrize("name", ["a.js", "notes.txt", "sole.soap", "a.wasm"])
def test_other_names_and_texts_are_no_native_code(name: str) -> None:
    assert look_into({name: b"MZ is how a text may begin"}).native_code == ()


PACKAGES = {
    "app-package": {"AndroidManifest.xml": "x", "classes.dex": "x"},
    "java": {"META-INF/MANIFEST.MF": "x"},
    "dex": {"classes.dex": "x"},
}


@pytest.mark.parametrize("kind", PACKAGES)
def test_a_package_is_told_by_the_names_inside_though_it_is_not_opened(kind: str) -> None:
    report = look_into({"data.bin": zipped(PACKAGES[kind])})

    assert kinds(report.native_code) == [kind]
    assert report.archives == ("data.bin",)


@pytest.mark.parametrize(
    "data",
    [
        zipped({"a.js": "eval(t)"}),
        b"\x1f\x8b\x08a",
        b"7z\xbc\xaf\x27\x1ca",
        b"\0" * 257 + b"ustar\n;eval(t)",
    ],
)
def test_archives_are_told_and_not_opened(data: bytes) -> None:
    report = look_into({"a.js": data, "z.js": ";eval(t)"})

    assert report.archives == ("a.js",)
    assert found(report.remote_code) == [("z.js", "eval", 1)]


def test_pictures_and_fonts_are_not_looked_into() -> None:
    report = look_into(
        {"a.png": b'\x89PNG\r\n\x1a\n"https://img.example.net/"', "b.woff2": b"wOF2"}
    )

    assert report.origins == frozenset()
    assert report.limits_reached == ()
    assert report.files == 3


MAP = json.dumps({"version": 3, "sources": ["a.ts"], "mappings": "AAAA"})


@pytest.mark.parametrize("name", ["app.js.map", "maps/app.json", "x.txt"])
def test_a_source_map_is_told_whatever_its_name(name: str) -> None:
    assert found(look_into({name: MAP}).source_maps) == [(name, "source-map-file", 0)]


def test_a_file_named_as_a_map_is_told_whatever_is_in_it() -> None:
    assert kinds(look_into({"app.js.map": "{}"}).source_maps) == ["source-map-file"]


def test_a_map_inside_of_a_script_is_told() -> None:
    script = "a();\n//# sourceMappingURL=data:application/json;base64," + "eyJ2ZXJzaW9uIjozfQ" * 3

    assert found(look_into({"a.js": script}).source_maps) == [("a.js", "inline-source-map", 2)]


def test_a_file_that_another_names_as_its_map_is_told() -> None:
    files = {"js/a.js": "a();//# sourceMappingURL=../deep/a%20b?x", "deep/a b": "secret form"}

    assert found(look_into(files).source_maps) == [("deep/a b", "named-source-map", 0)]


@pytest.mark.parametrize(
    "script",
    [
        "a();\n//# sourceMappingURL=a.js.map",
        "a();\n//# sourceMappingURL=https://maps.example.net/a.js.map",
        '"/*# sourceMappingURL=data:application/json;base64,".concat(b," */")',
    ],
)
def test_a_map_that_is_not_in_the_bundle_is_not_told(script: str) -> None:
    assert look_into({"a.js": script}).source_maps == ()
