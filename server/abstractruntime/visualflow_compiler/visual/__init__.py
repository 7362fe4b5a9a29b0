"""Old paths of the compiler's public parts; its inner names are not kept (docs/compatibility.md)."""
