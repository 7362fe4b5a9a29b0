"""The prompts door: questions to people, as JSON and as forms that work without script."""
