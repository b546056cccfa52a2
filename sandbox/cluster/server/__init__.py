"""What an API server does with a request: admission, authorization, storage, deletion, eviction."""
