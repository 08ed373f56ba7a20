"""HTTP routes over a library, and their guard: pictures, lists, downloads; no Streamlit in it."""
