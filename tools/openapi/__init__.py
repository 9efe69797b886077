"""The REST contract as an OpenAPI 3.1 document: given the descriptor set with its comments, hands on one JSON text.

`operations` walks the HTTP bindings of the methods, `schemas` says what messages look like as JSON, `comments` finds
what is written above both.
"""

from tools.openapi.document import openapi

__all__ = ["openapi"]
