// How the page is built: relative addresses, so that a proxy may serve it below any path; no source maps.
import { defineConfig } from "vite";

export default defineConfig({
  base: "./",
  build: {
    assetsDir: "web",
    assetsInlineLimit: 0,
    // Vite's script that preloads modules is not needed by browsers that run MapLibre.
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    chunkSizeWarningLimit: 1500,
    target: "es2022",
  },
});
