"""Which tools an answer calls, and with which arguments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mockai.engine import accounting, conversation, following, tools
from mockai.engine.draw import Draw
from mockai.wire.codec import dumps_spaced, dumps_text, loads

if TYPE_CHECKING:
    from mockai.engine.plan import Request

Json = dict[str, Any]


@dataclass(slots=True)
class ToolCall:
    """One call that the answer asks for. `custom` tools take free text as their arguments."""

    name: str
    arguments: str
    custom: bool = False
    id: str = ""
    """Empty: one is made."""


def decided(request: Request, index: int) -> list[ToolCall]:
    """Return the calls that choice `index` of an answer makes; none where it speaks."""
    body = request.body
    if not body.get("tools") and not body.get("functions"):
        return []
    declared = _choosable(body)
    choice = body.get("tool_choice") or body.get("function_call") or "auto"
    if not declared or choice == "none" or request.finish in ("stop", "content_filter"):
        return []
    rng = Draw(request.dice(index), "tools")
    named = accounting.named_choice(body)
    if named is not None:
        chosen = [tool for tool in declared if accounting.name_of(tool) == named]
        return [_to_call(tools.Decision(tool), request, rng) for tool in chosen[:1]]
    mode = choice["allowed_tools"]["mode"] if isinstance(choice, dict) else choice
    if request.trained and mode != "required":
        return _trained_calls(request.trained, declared)
    wanted = _asked_for(request, declared)
    if not wanted and (mode == "required" or request.finish in ("tool_calls", "function_call")):
        called = conversation.called(body["messages"]) if conversation.answered(body["messages"]) else []
        wanted = [tools.choose_required(request.last_user, declared, called, rng)]
    calls = [_to_call(decision, request, rng) for decision in wanted]
    if len(calls) > 1:  # as recorded: the arguments of parallel calls have spaces, those of a single one do not
        for call in calls:
            call.arguments = call.arguments if call.custom else dumps_spaced(loads(call.arguments))
    return calls


def _asked_for(request: Request, declared: Sequence[Json]) -> list[tools.Decision]:
    """Return what the last user message asks to be called and was not yet: all of it, or one after the other."""
    body, messages = request.body, request.body["messages"]
    serial = body.get("parallel_tool_calls") is False or body.get("functions") or not request.model.parallel_tools
    if conversation.answered(messages) and not serial:
        return []
    found = tools.decide(request.last_user, declared, request.earlier)
    if not found and (call := conversation.last_call(messages)) is not None:
        found = following.decide(request.last_user, declared, *call)
    return tools.left(found, conversation.called(messages))[:1] if serial else found


def _trained_calls(trained: Json, declared: Sequence[Json]) -> list[ToolCall]:
    """Return the calls that the model was taught to make, of the tools that it has."""
    names = {accounting.name_of(tool) for tool in declared}
    functions = [entry.get("function") or {} for entry in trained.get("tool_calls") or ()]
    functions += [trained["function_call"]] if trained.get("function_call") else []
    return [
        ToolCall(function["name"], function.get("arguments") or "{}")
        for function in functions
        if function.get("name") in names
    ]


def _choosable(body: Json) -> list[Json]:
    """Return the tools that the model may call, legacy functions in the form of tools."""
    declared = list(body.get("tools") or ())
    declared += [{"type": "function", "function": entry} for entry in body.get("functions") or ()]
    choice = body.get("tool_choice")
    if isinstance(choice, dict) and choice.get("type") == "allowed_tools":
        allowed = {accounting.name_of(tool) for tool in choice["allowed_tools"]["tools"]}
        return [tool for tool in declared if accounting.name_of(tool) in allowed]
    return declared


def _to_call(decision: tools.Decision, request: Request, rng: Draw) -> ToolCall:
    tool, values, part = decision.tool, decision.arguments, decision.part
    name = accounting.name_of(tool)
    if tool.get("type") == "custom":
        return ToolCall(name, tools.custom_input(tool, part or request.last_user, rng), custom=True)
    function = tool["function"]
    if values is None:
        strict = bool(function.get("strict"))
        parameters = function.get("parameters") or {}
        values = tools.arguments(parameters, request.last_user, rng, strict, part, request.earlier)
    return ToolCall(name, dumps_text(values))
