"""Environment and clusters.toml, read once into frozen settings with every fault named."""
