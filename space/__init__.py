"""The Space: GREEN with eyes. Nothing is imported until a page is built; `green-space` starts it."""
