"""Errors: the exception that becomes the API's error body, and the one catalogue of its texts.

Sources: errors.md §2-§7; each text is a row of the contracts, with its evidence.
"""

from collections.abc import Mapping, Sequence
from typing import Any

Json = dict[str, Any]


class ApiError(Exception):
    """An error as the API answers it: a status and `{"error": {message, type, param, code}}`."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        type: str = "invalid_request_error",  # the API's own name
        param: str | None = None,
        code: str | None = None,
        headers: Mapping[str, str] | None = None,
        extra: Json | None = None,
    ) -> None:
        """Hold the parts of the body; `headers` are added to the response, `extra` to the body."""
        super().__init__(message)
        self.status, self.message, self.type = status, message, type
        self.param, self.code = param, code
        self.headers = dict(headers or {})
        self.extra = extra or {}

    @property
    def error(self) -> Json:
        """Return the inner object, keys in the API's order."""
        return {"message": self.message, "type": self.type, "param": self.param, "code": self.code}

    blank = False
    """Whether the answer has no body at all."""

    @property
    def body(self) -> Json:
        """Return the whole body."""
        return {"error": self.error, **self.extra}


# --- how the API spells values, kinds and lists --------------------------------------------------

_KINDS = {
    bool: "a boolean",
    int: "an integer",
    float: "a decimal number",
    str: "a string",
    list: "an array",
    dict: "an object",
    type(None): "null",
}


def kind(value: Any) -> str:
    """Return what the API calls the JSON kind of `value`, with its article."""
    return _KINDS.get(type(value), "an object")


def quoted(names: Sequence[str], last: str) -> str:
    """Return `'a', 'b', and 'c'`; two names take no comma. `last` is the conjunction."""
    marked = [f"'{name}'" for name in names]
    if len(marked) < 3:
        return f" {last} ".join(marked)
    return f"{', '.join(marked[:-1])}, {last} {marked[-1]}"


def shortened(name: str) -> str:
    """Return names of more than 12 characters as their first and last three, as messages show them."""
    return name if len(name) <= 12 else f"{name[:3]}...{name[-3:]}"


# --- validation families (errors.md §4) ----------------------------------------------------------


def missing(path: str) -> ApiError:
    """Return the fault of an absent required parameter."""
    return ApiError(400, f"Missing required parameter: '{path}'.", param=path, code="missing_required_parameter")


def wrong_type(path: str, expected: str, value: Any) -> ApiError:
    """Return the fault of a value of another JSON kind; `expected` is a noun phrase with its article."""
    text = f"Invalid type for '{path}': expected {expected}, but got {kind(value)} instead."
    return ApiError(400, text, param=path, code="invalid_type")


def unknown_parameter(path: str, hints: Sequence[str] = ()) -> ApiError:
    """Return the fault of an unknown key; `hints` are the known keys it may have meant."""
    hint = f" Did you mean {quoted(hints, 'or')}?" if hints else ""
    return ApiError(400, f"Unknown parameter: '{path}'.{hint}", param=path, code="unknown_parameter")


def bad_value(path: str, value: str, supported: Sequence[str]) -> ApiError:
    """Return the fault of a string outside an enumeration."""
    text = f"Invalid value: '{value}'. Supported values are: {quoted(supported, 'and')}."
    return ApiError(400, text, param=path, code="invalid_value")


def out_of_range(path: str, noun: str, side: str, bound: float, value: float) -> ApiError:
    """Return the fault of a number beyond a bound: `noun` integer or decimal, `side` below or above."""
    extreme, sign = ("minimum", ">=") if side == "below" else ("maximum", "<=")
    text = f"Invalid '{path}': {noun} {side} {extreme} value. Expected a value {sign} {bound}, but got {value!r} instead."
    return ApiError(400, text, param=path, code=f"{noun}_{side}_{extreme[:3]}_value")


def string_length(path: str, value: str, bound: int, side: str) -> ApiError:
    """Return the fault of a string that is too long, too short or empty."""
    if side == "above":
        text = f"string too long. Expected a string with maximum length {bound}, but got a string with length {len(value)} instead."
        return ApiError(400, f"Invalid '{path}': {text}", param=path, code="string_above_max_length")
    if value == "":
        text = f"empty string. Expected a string with minimum length {bound}, but got an empty string instead."
        return ApiError(400, f"Invalid '{path}': {text}", param=path, code="empty_string")
    text = f"string too short. Expected a string with minimum length {bound}, but got a string with length {len(value)} instead."
    return ApiError(400, f"Invalid '{path}': {text}", param=path, code="string_below_min_length")


def pattern(path: str, expression: str) -> ApiError:
    """Return the fault of a string that a pattern refuses."""
    text = f"string does not match pattern. Expected a string that matches the pattern '{expression}'."
    return ApiError(400, f"Invalid '{path}': {text}", param=path, code="invalid_value")


def array_length(path: str, length: int, bound: int, side: str) -> ApiError:
    """Return the fault of an array that is too long, too short or empty."""
    if side == "above":
        text = f"array too long. Expected an array with maximum length {bound}, but got an array with length {length} instead."
        return ApiError(400, f"Invalid '{path}': {text}", param=path, code="array_above_max_length")
    if length == 0:
        text = f"empty array. Expected an array with minimum length {bound}, but got an empty array instead."
        return ApiError(400, f"Invalid '{path}': {text}", param=path, code="empty_array")
    text = f"array too short. Expected an array with minimum length {bound}, but got an array with length {length} instead."
    return ApiError(400, f"Invalid '{path}': {text}", param=path, code="array_below_min_length")


def too_many_properties(path: str, count: int, bound: int) -> ApiError:
    """Return the fault of a map with too many keys."""
    text = f"too many properties. Expected an object with at most {bound} properties, but got an object with {count} properties instead."
    return ApiError(400, f"Invalid '{path}': {text}", param=path, code="object_above_max_properties")


def property_name_too_long(path: str, name: str, bound: int) -> ApiError:
    """Return the fault of a map key that is too long: shortened in the message, whole in `param`."""
    text = f"Invalid property name in '{path}': '{shortened(name)}' is too long. "
    text += f"Expected a string with maximum length {bound}, but got a string with length {len(name)} instead."
    return ApiError(400, text, param=f"{path}.{name}", code="property_name_above_max_length")


def duplicate_parameter(name: str) -> ApiError:
    """Return the fault of a query parameter that was given more than once."""
    text = f"Duplicate parameter: '{name}'. You provided multiple values for this parameter, whereas only one is allowed. "
    text += f"If you are trying to provide a list of values, use the array syntax instead e.g. '{name}[]=<value>'."
    return ApiError(400, text, param=name, code="duplicate_parameter")


# --- the older validator (errors.md §4): /completions, /embeddings, files ------------------------


def older(text: str, path: str = "") -> ApiError:
    """Return a fault in the words of the older validator, the path at their end."""
    return ApiError(400, f"{text} - '{path}'" if path else text)


def not_of_type(path: str, value: Any, name: str) -> ApiError:
    """Return the fault of a value of another type than JSON Schema's `name`."""
    return older(f"{value!r} is not of type '{name}'", path)


def beyond(path: str, value: float, side: str, bound: float) -> ApiError:
    """Return the fault of a number beyond its `minimum` or `maximum`."""
    return older(f"{value!r} is {'less' if side == 'minimum' else 'greater'} than the {side} of {bound}", path)


def required_property(name: str) -> ApiError:
    """Return the fault of a key that is not there."""
    return older(f"'{name}' is a required property")


def additional_properties(names: Sequence[str]) -> ApiError:
    """Return the fault of keys that are not known."""
    listed, verb = ", ".join(f"'{name}'" for name in names), "was" if len(names) == 1 else "were"
    return older(f"Additional properties are not allowed ({listed} {verb} unexpected)")


# --- choices that name nothing -------------------------------------------------------------------


def undeclared_function(name: str) -> ApiError:
    """Return the refusal of a choice of a function that is not there; `function_call` is the API's own word."""
    text = (
        f"Invalid value for 'function_call': no function named '{name}' was specified in the 'functions' parameter."
    )
    return ApiError(400, text, param="function_call")


def no_token(key: str) -> ApiError:
    """Return the refusal of a key of `logit_bias` that is no token. The API's own text is not known; this is ours."""
    return ApiError(400, f"Invalid key in 'logit_bias': {key}. Expected a token id.", param="logit_bias")


# --- what a model refuses ------------------------------------------------------------------------


def unsupported_parameter(name: str, instead: str | None = None) -> ApiError:
    """Return the refusal of a parameter by a model; `instead` names the one to use."""
    tail = f" Use '{instead}' instead." if instead else ""
    text = f"Unsupported parameter: '{name}' is not supported with this model.{tail}"
    return ApiError(400, text, param=name, code="unsupported_parameter")


def unsupported_value(
    path: str, value: Any, supported: Sequence[str] = (), default: Any = None, where: str = "with this model"
) -> ApiError:
    """Return the refusal of a value by a model: the list it takes, or the only default it takes."""
    shown = f"'{value}'" if isinstance(value, str) else repr(value)
    text = f"Unsupported value: '{path}' does not support {shown} {where}."
    if supported:
        text += f" Supported values are: {quoted(supported, 'and')}."
    elif default is not None:
        text += f" Only the default ({default}) value is supported."
    return ApiError(400, text, param=path, code="unsupported_value")


def unrecognized(names: Sequence[str]) -> ApiError:
    """Return the refusal of known parameters that a non-reasoning model has no use for."""
    noun = "argument" if len(names) == 1 else "arguments"
    return ApiError(400, f"Unrecognized request {noun} supplied: {', '.join(names)}")


def incompatible(names: Sequence[str]) -> ApiError:
    """Return the refusal of known parameters by a model that searches the web."""
    noun = "argument" if len(names) == 1 else "arguments"
    return ApiError(400, f"Model incompatible request {noun} supplied: {', '.join(names)}")


# --- body, route, authentication (errors.md §2, §3) ----------------------------------------------

NOT_JSON = (
    "We could not parse the JSON body of your request. (HINT: This likely means you aren't using your HTTP library "
    "correctly. The OpenAI API expects a JSON payload, but what was sent was not valid JSON. If you have trouble "
    "figuring out how to fix this, please contact us through our help center at help.openai.com.)"
)
NO_MODEL = "you must provide a model parameter"
NO_KEY_CHAT = (
    "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer auth "
    "(i.e. Authorization: Bearer YOUR_KEY), or as the password field (with blank username) if you're accessing the "
    "API from your browser and are prompted for a username and password. You can obtain an API key from "
    "https://platform.openai.com/account/api-keys."
)
NO_BEARER = "Missing bearer authentication in header"
NO_BEARER_OR_BASIC = "Missing bearer or basic authentication in header"
SERVER_ERROR = (
    "The server had an error processing your request. Sorry about that! You can retry your request, or contact us "
    "through our help center at help.openai.com if you keep seeing this error. (Please include the request ID "
    "{request_id} in your email.)"
)


def not_json() -> ApiError:
    """Return the fault of a body that is no JSON object."""
    return ApiError(400, NOT_JSON)


def invalid_url(method: str, path: str) -> ApiError:
    """Return the 404 of an unknown path. The body names method and path, as the API did until 2025."""
    return ApiError(404, f"Invalid URL ({method} {path})")


def moved(location: str) -> ApiError:
    """Return the 307 of a path with a slash too much; it has no body."""
    error = ApiError(307, "This endpoint has no slash at its end.", headers={"location": location})
    error.blank = True
    return error


def gone() -> ApiError:
    """Return the 404 of endpoints that were retired: it has no body."""
    error = ApiError(404, "This endpoint was retired.")
    error.blank = True
    return error


def wrong_method(method: str, path: str, allowed: Sequence[str]) -> ApiError:
    """Return the 405 of a known path."""
    text = f"Not allowed to {method} on {path}. (HINT: Perhaps you meant to use a different HTTP method?)"
    return ApiError(405, text, headers={"allow": ", ".join(allowed)} if allowed else {})


def too_large(limit: int) -> ApiError:
    """Return the 413 of a body above `limit` bytes. The API's own text is not known; this one is ours."""
    text = f"Maximum request body size {limit} bytes exceeded."
    return ApiError(413, text, code="request_too_large")


def url_too_long(limit: int) -> ApiError:
    """Return the 414 of a URL above `limit` bytes; the text is ours."""
    return ApiError(414, f"Maximum URL length {limit} bytes exceeded.", code="url_too_long")


def headers_too_large(limit: int) -> ApiError:
    """Return the 431 of headers above `limit` bytes; the text is ours."""
    return ApiError(431, f"Maximum size of all request headers {limit} bytes exceeded.", code="headers_too_large")


def bad_url() -> ApiError:
    """Return the 400 of a URL that is none; the text is ours."""
    text = "We could not parse the URL of your request: it is a path in ASCII, with anything else percent-encoded."
    return ApiError(400, text)


def bad_http(part: str, reason: str) -> ApiError:
    """Return the 400 of a request whose head or body is not framed as HTTP/1.1 says; the text is ours."""
    shown = {"head": "request line and headers", "body": "framing of the body"}[part]
    return ApiError(400, f"We could not parse your request as HTTP/1.1, in its {shown}: {reason}.")


def cut_off() -> ApiError:
    """Return the 400 of a body whose end never came; the text is ours."""
    return ApiError(400, "We could not read the body of your request: the connection was closed before its end.")


def no_websocket() -> ApiError:
    """Return the 501 of whoever asks for a WebSocket; the text is ours."""
    text = "mockai speaks no WebSocket, so it has no Realtime API: it answers plain HTTP and server-sent events."
    return ApiError(501, text, code="websocket_not_supported")


def wrong_key(key: str) -> ApiError:
    """Return the 401 of a key that the server does not know; the key is masked as the API masks it."""
    text = f"Incorrect API key provided: {masked(key)}. You can find your API key at https://platform.openai.com/account/api-keys."
    return ApiError(401, text, code="invalid_api_key")


def masked(key: str) -> str:
    """Return `key` with all but its first 8 and last 4 characters starred; up to 12 it is shown whole."""
    return key if len(key) <= 12 else f"{key[:8]}{'*' * (len(key) - 12)}{key[-4:]}"


def stopping() -> ApiError:
    """Return the answer to a request that is still on its way when the server ends. The text is our own."""
    return ApiError(503, "The server is stopping; send the request again.", type="server_error")


def server_error(request_id: str) -> ApiError:
    """Return the API's 500."""
    return ApiError(500, SERVER_ERROR.format(request_id=request_id), type="server_error")
