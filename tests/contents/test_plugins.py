"""Native plugins are told under the names that the app knows, whatever a minifier did."""

import pytest

from support.bundles import look_into, look_into_script

# How the core of Capacitor looks after each of the usual bundlers, and who uses it.
CORE = "var C=x(globalThis),R=C.registerPlugin,E=class{};"
CALL = "var l=%s(\"Camera\",{web:()=>import('./web.js').then(e=>new e.W)}),v=%s(`SecureVault`);"

BUNDLES = {
    "one file": {"a.js": CORE + CALL % ("R", "R")},
    "esbuild": {
        "chunk.js": CORE + "export{C as a,R as f};",
        "a.js": 'import{a as c,f as k}from"./chunk.js";' + CALL % ("k", "k"),
    },
    "Vite": {
        "assets/index.js": CORE + "export{R as a,E as r};",
        "assets/cam.js": "import{a as e}from`./index.js`;" + CALL % ("e", "e"),
    },
    "passed on by a file in between": {
        "core.js": CORE + "export{R as a};",
        "b.js": 'export{a as z}from"./core.js";',
        "c.js": 'import{z as y}from"./b.js";export{y as x};',
        "d/e.js": 'import q,{x as w}from"../c.js";' + CALL % ("w", "w"),
    },
    "webpack": {
        "main.js": CORE + 'n.d(t,["EA",0,C,"F3",0,R]);',
        "1.js": "var a=t(546);" + CALL % ("(0,a.F3)", "(0,a.F3)"),
    },
    "older webpack": {
        "main.js": "n.d(t,{EA:()=>C,F3:()=>R});" + CORE,
        "1.js": "var a=t(546);" + CALL % ("(0,a.F3)", "(0,a.F3)"),
    },
    "oldest webpack": {
        "main.js": "n.d(t,{F3:function(){return R},EA:function(){return C}});" + CORE,
        "1.js": "var a=t(546);" + CALL % ("(0,a.F3)", "(0,a.F3)"),
    },
    "not minified": {
        "a.js": "import { registerPlugin as reg } from '@capacitor/core';\n" + CALL % ("reg", "reg")
    },
}


@pytest.mark.parametrize("case", BUNDLES)
def test_plugins_are_found_after_a_bundler(case: str) -> None:
    assert look_into(BUNDLES[case]).plugin_calls == {"Camera", "SecureVault"}


CALLS = {
    "plain": 'const a = registerPlugin("Share");',
    "as a member": "_core.registerPlugin('Share', impl)",
    "as webpack writes it": "(0,_core__WEBPACK_0__.registerPlugin)(`Share`)",
    "with options": "R('Share', { android: a, ios: b })",
    "options with methods": 'R("Share",{web(){return 1}})',
    "by the old object": "x.Plugins.Share.share()",
    "by the old object, asking first": 'window.Capacitor?.Plugins?.["Share"].share()',
    "unpacked": "const{Share:a}=Capacitor.Plugins;",
    "straight to the bridge": 'Capacitor.nativePromise("Share","share",{})',
    "by callback": "e.nativeCallback('Share',t,n)",
    "a plugin of Cordova": 'cordova.exec(a,b,"Share","share",[c])',
    "as a string key": 'a["registerPlugin"]("Share")',
}


@pytest.mark.parametrize("case", CALLS)
def test_a_call_of_a_plugin_is_told(case: str) -> None:
    assert look_into_script(CALLS[case]).plugin_calls == {"Share"}


def test_a_plugin_with_a_small_first_letter_is_told() -> None:
    assert look_into_script('registerPlugin("emailComposer")').plugin_calls == {"emailComposer"}


OTHERS = {
    "a player's plugin": 'videojs.registerPlugin("qualityLevels",f)',
    "a call of anything": 'var R=1,x=R("Camera"),y=e("Error")',
    "a class": 'a=f("Camera",{name:1});b=Symbol("Camera")',
    "an exec of an expression": '/a(b)/.exec(t,"A")',
    "an export of something else": 'import{f as k}from"./chunk.js";var l=k("Camera");',
    "web plugins of a browser": "navigator.plugins.Camera",
}


@pytest.mark.parametrize("case", OTHERS)
def test_what_is_no_plugin_is_not_told(case: str) -> None:
    files = {"chunk.js": CORE + "export{E as f,R as g};", "a.js": OTHERS[case]}

    assert look_into(files).plugin_calls == frozenset()


def test_another_export_of_the_same_module_is_no_plugin() -> None:
    files = {
        "main.js": CORE + 'n.d(t,["EA",0,E,"F3",0,R]);',
        "1.js": 'var l=(0,a.EA)("Camera"),m=(0,a.F3)("Share");',
    }

    assert look_into(files).plugin_calls == {"Share"}


def test_imports_are_followed_up_to_a_limit_and_that_is_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sluice.contents.plugins.LINKS_MAX", 2)

    report = look_into({"chunk.js": CORE + "export{C as a,E as b,R as f};"})

    assert report.limits_reached == ("More than 2 names are imported: not all followed.",)


def test_files_that_import_each_other_come_to_an_end() -> None:
    files = {
        "a.js": 'export{x as x}from"./b.js";',
        "b.js": 'export{x as x}from"./a.js";import{x as y}from"./b.js";var z=y("Camera");',
    }

    assert look_into(files).plugin_calls == frozenset()
