"""The gallery: a component of the browser app that shows pictures, and its front end."""
