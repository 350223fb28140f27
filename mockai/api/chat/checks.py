"""What a chat request is refused for beyond its schema: fields that need each other, the model, the messages.

In the order of chat.md §8: fields between themselves, capabilities, that messages have a content, and what they say.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mockai.call import Call, Json
from mockai.engine import accounting, conversation, strict_schema, tokens
from mockai.engine.accounting import Prompt
from mockai.engine.catalogue import Model
from mockai.wire import errors
from mockai.wire.errors import ApiError

SAMPLED = ("frequency_penalty", "presence_penalty", "temperature", "top_p")
"""What a model that searches the web has no use for."""
OBJECT_DOCS = "https://platform.openai.com/docs/guides/structured-outputs"


def known_to(call: Call) -> None:
    """Raise what is decided between presence and schema: keys that the model has never heard of."""
    if "messages" not in call.body:
        raise errors.missing("messages")
    body, model = call.body, call.model
    if model.unknown and not model.unknown.isdisjoint(body):
        raise errors.unknown_parameter(next(name for name in body if name in model.unknown))
    if model.unrecognized and not model.unrecognized.isdisjoint(body):
        foreign = [name for name, value in body.items() if name in model.unrecognized and value is not None]
        if foreign:
            raise errors.unrecognized(foreign)


def check(body: Json, model: Model) -> None:
    """Raise the first fault that the schema cannot see."""
    if not WAKING.isdisjoint(body):
        for rule, fields in RULES:
            if not fields.isdisjoint(body):
                rule(body, model)
    if model.audio:
        _audio(body)
    _contents(body)
    _messages(body, model)
    _parts(body, model)


# --- fields between themselves -------------------------------------------------------------------


def _only_with(body: Json, name: str, other: str) -> ApiError | None:
    if body.get(name) is None or body.get(other):
        return None
    text = f"Invalid value for '{name}': '{name}' is only allowed when '{other}' are specified."
    return ApiError(400, text, param=name)


def _tools(body: Json, model: Model) -> None:
    for name, other in (("tool_choice", "tools"), ("parallel_tool_calls", "tools"), ("function_call", "functions")):
        fault = _only_with(body, name, other)
        if fault is not None:
            raise fault
    declared = accounting.tools_of(body)
    for chosen in accounting.chosen_tools(body):
        if chosen not in declared:
            raise errors.undeclared_function(chosen[1])
    if declared and not model.tools:
        raise errors.unsupported_parameter("tools" if body.get("tools") else "functions")
    asked = body.get("reasoning_effort")
    if body.get("tools") and asked not in (None, "none") and not model.tools_while_reasoning:
        text = f"Function tools with reasoning_effort are not supported for {model.id} in /v1/chat/completions. "
        text += "To use function tools, use /v1/responses or set reasoning_effort to 'none'."
        raise ApiError(400, text, param="reasoning_effort")


def _strict(body: Json, model: Model) -> None:
    for index, tool in enumerate(body.get("tools") or ()):
        function = tool.get("function") or {}
        schema = function.get("parameters")
        if function.get("strict"):
            tail = strict_schema.fault(schema if schema is not None else {"type": "object"})
        else:
            tail = strict_schema.loose_fault(schema) if schema is not None else None
        if tail is not None:
            text = f"Invalid schema for function '{function['name']}': {tail}"
            raise ApiError(400, text, param=f"tools[{index}].function.parameters", code="invalid_function_parameters")
    declared = (body.get("response_format") or {}).get("json_schema")
    if declared is None:
        return
    schema = declared.get("schema") or {}
    tail = strict_schema.fault(schema) if declared.get("strict") else strict_schema.invalid(schema)
    if tail is not None:
        raise ApiError(
            400, f"Invalid schema for response_format '{declared['name']}': {tail}", param="response_format"
        )


def _combinations(body: Json, model: Model) -> None:
    if body.get("stream_options") is not None and not body.get("stream"):
        text = "The 'stream_options' parameter is only allowed when 'stream' is enabled."
        raise ApiError(400, text, param="stream_options")
    if body.get("top_logprobs") is not None and not body.get("logprobs"):
        text = "The 'top_logprobs' parameter is only allowed when 'logprobs' is enabled."
        raise ApiError(400, text, param="top_logprobs")
    if body.get("max_tokens") is not None and body.get("max_completion_tokens") is not None:
        # The API's own text is not known.
        text = "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported."
        raise ApiError(400, text, param="max_tokens", code="invalid_parameter_combination")
    strange = tokens.no_id(model.encoding, body.get("logit_bias") or ())
    if strange is not None:
        raise errors.no_token(strange)


# --- what the model can do -----------------------------------------------------------------------


def _values(body: Json, model: Model) -> None:
    asked = body.get("max_tokens") or body.get("max_completion_tokens")
    if asked is not None and asked > model.max_output:
        name = "max_tokens" if body.get("max_tokens") else "max_completion_tokens"
        text = f"{name} is too large: {asked}. This model supports at most {model.max_output} completion tokens, "
        raise ApiError(400, f"{text}whereas you provided {asked}.", param=name)
    retention = body.get("prompt_cache_retention")
    if retention == "in_memory" and model.retention_24h_only:
        text = "This model is compatible only with 24h extended prompt caching"
        raise ApiError(400, text, param="prompt_cache_retention")


def _refusals(body: Json, model: Model) -> None:
    form = (body.get("response_format") or {}).get("type")
    if form == "json_schema" and not model.json_schema:
        text = "Invalid parameter: 'response_format' of type 'json_schema' is not supported with this model. "
        raise ApiError(400, f"{text}Learn more about supported models at the Structured Outputs guide: {OBJECT_DOCS}")
    if form == "json_object" and not model.json_object:
        text = "Invalid parameter: 'response_format' of type 'json_object' is not supported with this model."
        raise ApiError(400, text, param="response_format")
    if body.get("web_search_options") is not None and not model.web_search:
        raise ApiError(400, "Web search options not supported with this model.", param="web_search_options")
    for name in ("temperature", "top_p"):
        if name in model.refuses and body.get(name) is not None:
            raise errors.unsupported_parameter(name)
        if name in model.only_default and body.get(name) not in (None, 1):
            raise errors.unsupported_value(name, body[name], default=1)
    if model.web_search:
        foreign = [name for name in SAMPLED if body.get(name) is not None]
        if foreign:
            raise errors.incompatible(foreign)
    thinking = _thinks(body, model)
    for name in ("presence_penalty", "frequency_penalty", "logprobs", "top_logprobs"):
        if name in model.refuses_reasoning and thinking and body.get(name):
            raise errors.unsupported_parameter(name)


def _thinks(body: Json, model: Model) -> bool:
    return model.reasoning and (body.get("reasoning_effort") or model.default_effort) != "none"


def _audio(body: Json) -> None:
    speaks = "audio" in (body.get("modalities") or ())
    heard = any(
        part.get("type") == "input_audio"
        for message in body["messages"]
        if isinstance(message.get("content"), list)
        for part in message["content"]
    )
    if not speaks and not heard:
        text = "This model requires that either input content or output modality contain audio."
        raise ApiError(400, text, param="model", code="invalid_value")
    if speaks and body.get("audio") is None:
        # The API's own text is not known; the code and path follow the family.
        raise errors.missing("audio")
    if speaks and body.get("stream") and body["audio"]["format"] != "pcm16":
        format = body["audio"]["format"]
        raise errors.unsupported_value("audio.format", format, ("pcm16",), where="when stream=true")


# --- messages ------------------------------------------------------------------------------------


def _messages(body: Json, model: Model) -> None:
    waiting: dict[str, None] = {}
    answerable: set[str] = set()
    for index, message in enumerate(body["messages"]):
        role = message["role"]
        if role in model.refuses_roles:
            raise errors.unsupported_value(f"messages[{index}].role", role)
        if role == "user" and not waiting:
            answerable = set()
            continue
        if role == "tool":
            identifier = message["tool_call_id"]
            if identifier not in answerable:
                text = "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with 'tool_calls'."
                raise ApiError(400, text, param=f"messages.[{index}].role")
            waiting.pop(identifier, None)
            continue
        if waiting:
            raise _unanswered(index, list(waiting))
        calls = accounting.calls_in(message)
        answerable = {call["id"] for call in calls}
        waiting = dict.fromkeys(call["id"] for call in calls)
    if waiting:
        raise _unanswered(len(body["messages"]), list(waiting))
    if (body.get("response_format") or {}).get("type") == "json_object" and not _says_json(body):
        text = "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'."
        raise ApiError(400, text, param="messages")


def _unanswered(index: int, missing: list[str]) -> ApiError:
    text = (
        "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. "
    )
    text += f"The following tool_call_ids did not have response messages: {', '.join(missing)}"
    return ApiError(400, text, param=f"messages.[{index}].role")


def _says_json(body: Json) -> bool:
    return any("json" in conversation.text_of(message.get("content")).lower() for message in body["messages"])


def _contents(body: Json) -> None:
    for index, message in enumerate(body["messages"]):
        if message.get("content") is None and not _speaks_without(message):
            text = "Invalid value for 'content': expected a string, got null."
            raise ApiError(400, text, param=f"messages.[{index}].content")


def _speaks_without(message: Json) -> bool:
    return message["role"] == "assistant" and any(
        message.get(name) is not None for name in ("tool_calls", "function_call", "refusal", "audio")
    )


def _parts(body: Json, model: Model) -> None:
    for index, message in enumerate(body["messages"]):
        content = message.get("content")
        for part in content if isinstance(content, list) else ():
            _part(part, index, model)


def _part(part: Json, index: int, model: Model) -> None:
    rule = _PARTS.get(str(part.get("type")))
    if rule is not None:
        rule(part, index, model)


def _image_part(part: Json, index: int, model: Model) -> None:
    if not model.vision:
        # Text-only models: the text is unverified, it follows the one for audio.
        raise _wrong_block(index, "text")
    url = part["image_url"]["url"]
    raw = accounting.data_of(url)
    if raw is None:
        if not url.startswith(("https://", "http://")):
            raise ApiError(400, f"Error while downloading {url}.", code="invalid_image_url")
        return  # nothing is ever downloaded: what lies behind a URL counts as a good image
    if accounting.image_size(raw) is None:
        text = "You uploaded an unsupported image. Please make sure your image has of one the following formats: "
        raise ApiError(400, f"{text}['png', 'jpeg', 'gif', 'webp'].", code="invalid_image_format")


def _audio_part(part: Json, index: int, model: Model) -> None:
    if not model.audio:
        raise _wrong_block(index, "text or image_url")


def _wrong_block(index: int, kinds: str) -> ApiError:
    noun = f"either {kinds}" if " or " in kinds else kinds
    text = f"Invalid 'messages[{index}]'. Content blocks are expected to be {noun} type."
    return ApiError(400, text, param=f"messages[{index}]", code="invalid_value")


_PARTS: dict[str, Callable[[Json, int, Model], Any]] = {"image_url": _image_part, "input_audio": _audio_part}


Rule = Callable[[Json, Model], None]
# Each rule, and the fields without which it has nothing to say.
RULES: tuple[tuple[Rule, frozenset[str]], ...] = (
    (_tools, frozenset({"tools", "functions", "tool_choice", "function_call", "parallel_tool_calls"})),
    (_strict, frozenset({"tools", "response_format"})),
    (_combinations, frozenset({"stream_options", "top_logprobs", "max_tokens", "logit_bias"})),
    (
        _values,
        frozenset({"max_tokens", "max_completion_tokens", "prompt_cache_retention"}),
    ),
    (
        _refusals,
        frozenset(
            "response_format web_search_options temperature top_p presence_penalty frequency_penalty logprobs top_logprobs".split()
        ),
    ),
)


WAKING = frozenset().union(*(fields for _, fields in RULES))


def fits(prompt: Prompt, body: Json, model: Model) -> None:
    """Raise the API's fault when prompt and completion do not fit the context window."""
    asked = body.get("max_tokens") or body.get("max_completion_tokens") or 0
    total = prompt.total
    if total + asked <= model.context:
        return
    window = f"This model's maximum context length is {model.context} tokens. However, "
    if total > model.context:
        if prompt.schema:
            text = f"your messages resulted in {total} tokens (including {prompt.schema} in the response_format schemas.). "
            tail = "Please reduce the length of the messages or schemas."
        elif prompt.functions:
            text = f"your messages resulted in {total} tokens ({prompt.messages} in the messages, {prompt.functions} in the functions). "
            tail = "Please reduce the length of the messages or functions."
        else:
            text = f"your messages resulted in {total} tokens. "
            tail = "Please reduce the length of the messages."
        raise ApiError(400, f"{window}{text}{tail}", param="messages", code="context_length_exceeded")
    text = f"you requested {total + asked} tokens ({total} in the messages, {asked} in the completion). "
    tail = "Please reduce the length of the messages or completion."
    raise ApiError(400, f"{window}{text}{tail}", param="messages", code="context_length_exceeded")
