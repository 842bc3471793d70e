"""The methods by name; `app.domain.profiles.configure` turns one into a method with options."""

from collections.abc import Mapping

from app.domain.methods.self_instruct import SelfInstruct
from app.domain.profiles import PublishedMethod

METHODS: Mapping[str, type[PublishedMethod]] = {"self_instruct": SelfInstruct}
