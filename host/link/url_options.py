"""A source URL taken apart, and what it says behind its question mark. No I/O."""

from urllib.parse import SplitResult, unquote, urlsplit

from trelscope.host.link import LinkError


def url_parts(url: str) -> SplitResult:
    """`url` taken apart. Raises LinkError."""
    try:
        return urlsplit(url)
    except ValueError as error:
        raise LinkError(f"not a source: {url!r} ({error})") from None


def url_options(url: str) -> dict[str, str]:
    """The `key=value` pairs of `url`. Raises LinkError for anything else there: nothing that is said is passed over."""
    parts = url_parts(url)
    if parts.fragment or url.endswith("#"):
        raise LinkError(f"{url!r}: nothing may come after a #; write it as %23 if it belongs there")
    options: dict[str, str] = {}
    for pair in parts.query.split("&") if parts.query else ():
        key, equals, value = (unquote(part) for part in pair.partition("="))
        if not key or not equals or not value:
            raise LinkError(
                f"{url!r}: {pair!r} says nothing; write key=value, with & between pairs"
            )
        if key in options:
            raise LinkError(f"{url!r}: {key!r} is there twice; leave one out")
        options[key] = value
    return options
