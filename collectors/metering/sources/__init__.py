"""Where joules come from: one file a source, all behind the protocol in `source.py`."""
