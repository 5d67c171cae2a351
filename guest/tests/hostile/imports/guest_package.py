# tries: Imports the runner's own package and the bindings to the host by statement.
# must: returns ["mcpbox_guest", "mcpbox_guest.runner", "wit_world.imports.host", "componentize_py_runtime"]
async def main():
    refused = []
    for name in ("mcpbox_guest", "mcpbox_guest.runner", "wit_world.imports.host", "componentize_py_runtime"):
        try:
            __import__(name)
        except ImportError:
            refused.append(name)
    return refused
