"use strict";

// Swagger UI turns dark by a class; the page follows what the reader's system prefers, before anything is drawn.
const dark = window.matchMedia("(prefers-color-scheme: dark)");
const follow = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", follow);
follow();
