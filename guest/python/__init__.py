"""What runs inside the sandbox: the runner of tools and what it needs."""
