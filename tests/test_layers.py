"""The house plan of docs/architecture.md, held against what the modules import and how large they are."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).parent.parent / "autogrowth_ops"
LAYERS = {
    "": 0,
    "errors": 0,
    "folders": 0,
    "model": 1,
    "config": 2,
    "render": 2,
    "commands": 2,
    "remote": 3,
    "clock": 3,
    "source": 3,
    "scripts": 3,
    "sandbox": 3,
    "engines": 4,
    "session": 5,
    "operations": 5,
    "tasks": 6,
    "testing": 6,
}
# Who may read which variable of the process environment: configuration only config/, a door only what is about itself.
ENVIRON = {
    "operations.local_command": {"*"},  # hands it on, without secrets
    "config": {"*"},
    "folders": {"*"},
    "remote.terminal": {"TERM"},
    "sandbox": {"*"},
    "tasks.output": {"TERM", "NO_COLOR", "AUTOGROWTH_DEBUG"},
}
MOST_MODULE_LINES = 300
MOST_FUNCTION_LINES = 40
MOST_POSITIONAL = 5

Function = ast.FunctionDef | ast.AsyncFunctionDef


def _name(file: Path) -> str:
    words = file.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(word for word in words if word != "__init__")


MODULES = {_name(file): file for file in sorted(PACKAGE.rglob("*.py"))}


@cache
def tree(module: str) -> ast.Module:
    return ast.parse(MODULES[module].read_text(encoding="utf-8"))


@cache
def imports(module: str) -> tuple[str, ...]:
    """Absolute names of what a module imports, wherever in it."""
    return tuple(_imports(module))


def _imports(module: str) -> Iterator[str]:
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = _base(module, node.level) if node.level else []
            source = [*base, *(node.module or "").split(".")] if node.module else base
            yield from (".".join([*source, alias.name]) for alias in node.names)


def _base(module: str, level: int) -> list[str]:
    words = ["autogrowth_ops", *filter(None, module.split("."))]
    is_package = MODULES[module].name == "__init__.py"
    return words[: len(words) - level + is_package]


def foreign(module: str) -> set[str]:
    """First words of what a module imports from outside the package."""
    return {name.split(".")[0] for name in imports(module)} - {"autogrowth_ops"}


def ours(module: str) -> list[str]:
    """What a module imports from the package, without the package's name."""
    names = [name.partition(".")[2] for name in imports(module) if name.startswith("autogrowth_ops.")]
    return [name for name in names if part(name) in LAYERS]


def offenders(find: Callable[[str], Sequence[object]]) -> dict[str, Sequence[object]]:
    """What `find` finds, by module; without the modules in which it finds nothing."""
    return {module: found for module in MODULES if (found := find(module))}


def importers(*packages: str) -> list[str]:
    return [module for module in MODULES if foreign(module) & set(packages)]


def part(module: str) -> str:
    return module.split(".")[0]


def functions(module: str) -> Iterator[Function]:
    return (node for node in ast.walk(tree(module)) if isinstance(node, Function))


def net_lines(module: str, function: Function) -> int:
    """Lines of a function that are neither docstring, comment nor empty."""
    lines = MODULES[module].read_text(encoding="utf-8").splitlines()[function.lineno - 1 : function.end_lineno]
    first = function.body[0]
    is_docstring = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    said = (first.end_lineno or 0) - first.lineno + 1 if is_docstring else 0
    return sum(1 for line in lines if line.strip() and not line.strip().startswith("#")) - said


def positional(function: Function) -> list[str]:
    names = [argument.arg for argument in (*function.args.posonlyargs, *function.args.args)]
    return [name for name in names if name not in ("self", "cls")]


def is_task(function: Function) -> bool:
    """Parameters of a task are options of the command line; Invoke takes them by name."""
    return any(isinstance(one, ast.Call) and ast.unparse(one.func) == "ops_task" for one in function.decorator_list)


def test_imports_go_down_only():
    assert offenders(lambda module: [name for name in ours(module) if LAYERS[part(name)] > LAYERS[part(module)]]) == {}


def test_every_part_of_the_package_has_a_layer():
    assert {part(module) for module in MODULES} <= set(LAYERS)


def test_only_render_imports_jinja():
    assert importers("jinja2") == ["render"]


def test_only_config_imports_yaml_and_dotenv():
    assert {part(module) for module in importers("yaml", "ruamel", "dotenv")} == {"config"}


def test_one_module_of_remote_imports_fabric_and_paramiko():
    assert importers("fabric", "paramiko") == ["remote.fabric_link"]


def test_only_tasks_import_invoke():
    assert {part(module) for module in importers("invoke")} == {"tasks"}


def test_only_output_imports_rich():
    assert importers("rich") == ["tasks.output"]


def test_the_process_environment_is_read_where_the_house_plan_says():
    assert offenders(lambda module: sorted(read_variables(module) - allowed_variables(module))) == {}


def allowed_variables(module: str) -> set[str]:
    allowed = ENVIRON.get(module) or ENVIRON.get(part(module)) or set()
    return read_variables(module) if "*" in allowed else allowed


def read_variables(module: str) -> set[str]:
    return {name for node in ast.walk(tree(module)) for name in _environ(node)}


def _environ(node: ast.AST) -> Iterator[str]:
    """Names of the variables that an expression reads; `*` for a use that names none."""
    text = ast.unparse(node) if isinstance(node, (ast.Call, ast.Subscript, ast.Attribute)) else ""
    if isinstance(node, ast.Call) and text.startswith(("os.environ.get(", "os.getenv(")):
        yield node.args[0].value if isinstance(node.args[0], ast.Constant) else "*"
    elif isinstance(node, ast.Subscript) and text.startswith("os.environ["):
        yield node.slice.value if isinstance(node.slice, ast.Constant) else "*"
    elif isinstance(node, ast.Attribute) and text.startswith("os.environ.") and node.attr != "get":
        yield "*"


def test_which_engine_it_is_is_asked_in_one_place():
    assert offenders(lambda module: [line for line, _ in engines_asked(module)]).keys() == {"engines"}


def engines_asked(module: str) -> list[tuple[int, str]]:
    attributes = [node for node in ast.walk(tree(module)) if isinstance(node, ast.Attribute) and node.attr == "engine"]
    return [(node.lineno, ast.unparse(node)) for node in attributes if "environment" in ast.unparse(node.value)]


def test_no_command_goes_through_a_shell_of_this_machine():
    assert offenders(lambda module: [node.lineno for node in keywords(module, "shell") if not _is_false(node)]) == {}


def keywords(module: str, name: str) -> list[ast.keyword]:
    return [node for node in ast.walk(tree(module)) if isinstance(node, ast.keyword) and node.arg == name]


def _is_false(node: ast.keyword) -> bool:
    return isinstance(node.value, ast.Constant) and node.value.value is False


def test_only_the_clock_sleeps():
    calls = {module: [node for node in ast.walk(tree(module)) if isinstance(node, ast.Call)] for module in MODULES}
    assert offenders(lambda module: [node.lineno for node in calls[module] if _sleeps(node)]).keys() == {"clock"}


def _sleeps(call: ast.Call) -> bool:
    return ast.unparse(call.func) in ("time.sleep", "sleep")


def test_modules_are_short():
    sizes = {module: len(file.read_text(encoding="utf-8").splitlines()) for module, file in MODULES.items()}
    assert {module: size for module, size in sizes.items() if size > MOST_MODULE_LINES} == {}


def test_functions_are_short():
    assert offenders(lambda module: [(name, size) for name, size in sizes(module) if size > MOST_FUNCTION_LINES]) == {}


def sizes(module: str) -> list[tuple[str, int]]:
    return [(function.name, net_lines(module, function)) for function in functions(module)]


def test_functions_take_few_positional_parameters():
    assert offenders(lambda module: [one.name for one in functions(module) if takes_many(one)]) == {}


def takes_many(function: Function) -> bool:
    return len(positional(function)) > MOST_POSITIONAL and not is_task(function)
