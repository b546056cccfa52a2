"""Objects as values: fields, selectors, quantities, patches, defaults, validation, errors."""
