"""HTTP routes over a library: pictures, lists, downloads, and who may ask; no Streamlit in it."""
