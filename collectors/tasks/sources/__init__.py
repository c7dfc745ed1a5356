"""Where data comes from: packages, the Hub, and files of the user."""
