"""The types that the package declares are those that it has."""

import ast
import inspect
import subprocess
import sys
from pathlib import Path

import easyhttp_rs
import pytest
from easyhttp_rs import EasyHTTP, EasyHTTPAsync, _native

HERE = Path(__file__).parent
PACKAGE = Path(easyhttp_rs.__file__).parent
STUB = ast.parse((PACKAGE / "_native.pyi").read_text())


def public(names):
    return {name for name in names if not name.startswith("_")}


def declared(node):
    """The functions, properties and classes that a part of the stub declares."""
    return {each.name: each for each in node.body if hasattr(each, "name")}


def parameters(function):
    """Their names and defaults, as the stub has them."""
    arguments = function.args
    assert not (arguments.kwonlyargs or arguments.vararg or arguments.kwarg)
    names = [argument.arg for argument in arguments.args]
    defaults = [ast.literal_eval(default) for default in arguments.defaults]
    return dict.fromkeys(names, inspect.Parameter.empty) | dict(
        zip(names[len(names) - len(defaults) :], defaults)
    )


def test_the_native_stub_has_every_name():
    assert set(declared(STUB)) == public(vars(_native))


@pytest.mark.parametrize("name", sorted(declared(STUB)))
def test_the_native_stub_has_every_parameter(name):
    node, thing = declared(STUB)[name], getattr(_native, name)
    if isinstance(node, ast.FunctionDef):
        check_parameters(node, thing)
        return
    methods = declared(node)
    assert public(methods) == public(vars(thing))
    for method, its in methods.items():
        decorators = [decorator.id for decorator in its.decorator_list]
        if decorators == ["property"]:
            assert inspect.isgetsetdescriptor(vars(thing)[method]), method
        elif method != "__new__":
            check_parameters(its, inspect.getattr_static(thing, method), decorators)
        else:
            assert list(parameters(its))[1:] == list(inspect.signature(thing).parameters)


def check_parameters(node, thing, decorators=()):
    if "staticmethod" in decorators:
        thing = thing.__func__ if hasattr(thing, "__func__") else thing
    has = inspect.signature(thing).parameters.values()
    assert parameters(node) == {parameter.name: parameter.default for parameter in has}


def test_all_names_of_the_package_are_there_and_no_others():
    names = public(vars(easyhttp_rs))
    modules = {name for name in names if inspect.ismodule(getattr(easyhttp_rs, name))}
    assert names - modules == public(easyhttp_rs.__all__)
    assert (PACKAGE / "py.typed").exists()


def test_both_classes_have_the_same_methods_with_the_same_parameters():
    assert public(dir(EasyHTTP)) == public(dir(EasyHTTPAsync))
    for name in public(dir(EasyHTTP)):
        one, other = (inspect.getattr_static(kind, name) for kind in (EasyHTTP, EasyHTTPAsync))
        if inspect.isfunction(one):
            ones, others = (inspect.signature(each).parameters for each in (one, other))
            assert list(ones.values()) == list(others.values()), name


def test_they_have_what_easyhttp_python_has():
    real = pytest.importorskip("easyhttp_python")
    for kind in ("EasyHTTP", "EasyHTTPAsync"):
        ours, theirs = getattr(easyhttp_rs, kind), getattr(real, kind)
        # What its servers call by themselves.
        missing = public(dir(theirs)) - public(dir(ours)) - {"api_handler"}
        assert not missing
        for name in public(dir(theirs)) - {"api_handler", "commands"} | {"__init__"}:
            its = inspect.getattr_static(theirs, name)
            if inspect.isfunction(its):
                wanted = list(inspect.signature(its).parameters.values())
                has = list(inspect.signature(getattr(ours, name)).parameters.values())
                has = [each for each in has if each.kind is not each.KEYWORD_ONLY]
                assert [(each.name) for each in wanted] == [each.name for each in has], name


def test_everything_public_is_documented():
    for kind in (EasyHTTP, EasyHTTPAsync):
        for name in public(dir(kind)):
            assert inspect.getdoc(getattr(kind, name)), f"{kind.__name__}.{name}"
    for name in easyhttp_rs.__all__:
        assert name == "__version__" or inspect.getdoc(getattr(easyhttp_rs, name)), name


def test_help_is_worth_reading():
    import pydoc

    text = pydoc.render_doc(EasyHTTP, renderer=pydoc.plaintext)
    for word in ("config_file: The file", "timeout: How long", "on_fetch", "Raises:", "UnknownDevice"):
        assert word in text


def test_mypy_is_content_with_the_package_the_examples_and_a_typed_program(tmp_path):
    examples = sorted(map(str, (HERE.parent / "examples").glob("*.py")))
    for checked in ([str(HERE / "typed.py"), *examples], ["-p", "easyhttp_rs"]):
        ran = mypy(tmp_path, *checked)
        assert ran.returncode == 0, ran.stdout + ran.stderr


def test_mypy_finds_what_is_wrong(tmp_path):
    """So that the test before this one does not pass because nothing is checked."""
    wrong = tmp_path / "wrong.py"
    wrong.write_text(
        "from easyhttp_rs import EasyHTTP\n"
        "easy = EasyHTTP(port='x')\n"
        "answer: int = easy.fetch('7H8G2K')\n"
        "easy.pings('7H8G2K')\n"
    )
    ran = mypy(tmp_path, str(wrong))
    assert "Found 3 errors" in ran.stdout, ran.stdout + ran.stderr


def mypy(folder, *checked):
    """In a folder of its own, so that it sees the package that is installed."""
    config = HERE.parent / "pyproject.toml"
    command = [sys.executable, "-m", "mypy", f"--config-file={config}", f"--cache-dir={folder}"]
    return subprocess.run([*command, *checked], capture_output=True, text=True, cwd=folder)


def test_who_does_not_use_asyncio_does_not_import_it(tmp_path):
    """It takes as long as all the rest, and as much memory."""
    source = """
import sys
import easyhttp_rs

easy = easyhttp_rs.EasyHTTP(port=0, enable_discovery=False)
easy.on("on_fetch", lambda: 1)
with easy:
    assert not easy.ping("7H8G2K")
assert "asyncio" not in sys.modules
assert easyhttp_rs.EasyHTTPAsync.__name__ in dir(easyhttp_rs)
assert "asyncio" in sys.modules
assert not hasattr(easyhttp_rs, "EasyHTTPSomething")
"""
    subprocess.run([sys.executable, "-c", source], cwd=tmp_path, check=True)
