"""Old paths of the compiler's public parts; its private names are not kept (docs/compatibility.md)."""
