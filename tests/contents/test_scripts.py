"""Code that comes from elsewhere, or is made of text, is told of; constants and loaders are not."""

import pytest

from support.bundles import found, kinds, look_into, look_into_script

REMOTE = {
    "import": (
        "import-from-other-origin",
        'const a=await import("https://cdn.example.net/a.mjs");',
    ),
    "import with a note": (
        "import-from-other-origin",
        "import(/* @vite-ignore */`https://a.net/x`)",
    ),
    "static import": ("import-from-other-origin", "import e from'https://cdn.example.net/x'"),
    "import for its effects": ("import-from-other-origin", 'import"https://cdn.example.net/x"'),
    "export from": ("import-from-other-origin", 'export*from"https://cdn.example.net/x"'),
    "worker": ("import-from-other-origin", 'new Worker("https://cdn.example.net/w")'),
    "importScripts": ("import-from-other-origin", 'importScripts("//cdn.example.net/w")'),
    "worklet": ("import-from-other-origin", 'a.addModule("https://cdn.example.net/w")'),
    "WebAssembly": (
        "import-from-other-origin",
        'WebAssembly.instantiateStreaming(fetch("https://cdn.example.net/m"))',
    ),
    "script by its address": ("script-url-in-code", 's.src="https://cdn.example.net/sdk.js?v=1"'),
    "script without a scheme": ("script-url-in-code", "load('//cdn.example.net/sdk.js')"),
    "script, slashes escaped": ("script-url-in-code", r'{"u":"https:\/\/cdn.example.net\/s.js"}'),
    "eval": ("eval", ";eval(t)"),
    "eval of a window": ("eval", "window.eval(t)"),
    "indirect eval": ("eval", "(0,eval)(t)"),
    "new Function": ("new-function", 'new Function("a",t)'),
    "Function": ("new-function", "var f=Function(t)"),
    "new Function of a template": ("new-function", "new Function(`return ${t}`)"),
    "document.write": ("document-write-script", 'document.write("<script src="+t+"><\\/script>")'),
    "document.write, in pieces": (
        "document-write-script",
        "document.writeln('<'+'script src='+t+'>')",
    ),
}


@pytest.mark.parametrize("case", REMOTE)
def test_remote_code_is_told(case: str) -> None:
    kind, script = REMOTE[case]

    report = look_into_script("var q=1;\n" + script)

    assert ("app.js", kind, 2) in found(report.remote_code)


@pytest.mark.parametrize(
    "script",
    [
        "eval(await(await fetch(u)).text())",
        "fetch(u).then(e=>e.text()).then(eval)",
        "eval(e.responseText)",
    ],
)
def test_fetched_text_that_is_evaluated_is_told_as_such(script: str) -> None:
    assert "eval-of-fetched" in kinds(look_into_script(f";{script}").remote_code)


HARMLESS = {
    "the global object": 'var g=Function("return this")()||new Function("return this")()',
    "regenerator": 'Function("r","regeneratorRuntime = r")(t)',
    "a constant": "eval('1+1')",
    "a method of that name": "class A{eval(e,t){return e}}",
    "another name": "medieval(t);a.evaluate(t);isFunction(t);MyFunction(t);e.isFunction(t)",
    "a type check": 'typeof importScripts=="function"&&t instanceof Function',
    "an import from the bundle": 'import("./web-a.js");import{a}from"./b.js";new Worker("/w.js")',
    "webpack's loader": 'a=document.createElement("script"),a.src=r,n.nc&&a.setAttribute("x",1)',
    "a page": 'open("https://shop.example.net/help.html")',
    "a comment on a script": "/* see https://cdn.example.net/a.js */",
}


@pytest.mark.parametrize("case", HARMLESS)
def test_what_can_only_run_the_bundle_is_not_told(case: str) -> None:
    assert look_into_script(HARMLESS[case]).remote_code == ()


def test_the_address_is_told_without_its_query() -> None:
    report = look_into_script('import("https://cdn.example.net/a.mjs?key=abc#d")')

    assert {each.detail for each in report.remote_code} == {"https://cdn.example.net/a.mjs"}


def test_one_file_tells_each_thing_once() -> None:
    report = look_into({"a.js": ";eval(t)" * 50, "b.js": ";eval(t);eval(u)"})

    assert found(report.remote_code) == [("a.js", "eval", 1), ("b.js", "eval", 1)]


def test_an_address_that_is_named_often_is_told_once() -> None:
    report = look_into_script('import("https://cdn.example.net/a");' * 50)

    assert len(report.remote_code) == 1


def test_an_address_is_made_safe_to_show() -> None:
    report = look_into_script('import("https://cdn.example.net/\u202e\u001b[2J")')

    assert report.remote_code[0].detail.startswith("https://cdn.example.net/")
    assert report.remote_code[0].detail.isprintable()


@pytest.mark.parametrize("name", ["a.css", "app.js.map", "README.md"])
def test_code_in_files_that_nothing_runs_is_not_told(name: str) -> None:
    assert look_into({name: ";eval(t)"}).remote_code == ()


@pytest.mark.parametrize("name", ["app.js", "app.MJS", "worker", "a.txt", "data.bin", "x.svg"])
def test_code_is_looked_for_whatever_the_name_and_the_first_bytes(name: str) -> None:
    report = look_into({name: b"GIF89a=1;" + b"\0" * 10 + b";eval(t)"})

    assert kinds(report.remote_code) == (["eval"] if name in {"app.js", "app.MJS", "x.svg"} else [])
    assert kinds(look_into({name: b"/*\0*/;eval(t)"}).remote_code) == ["eval"]
