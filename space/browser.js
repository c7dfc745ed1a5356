// What the page does in the browser: draw a figure, copy a text, keep the address in step with the choices.
(() => {
  const root = () => document.querySelector(".gradio-container") || document.body;

  // Figures name CSS variables, so that one figure fits the light and the dark theme.
  const coloured = (value, style) => {
    if (typeof value === "string") return value.startsWith("var(") ? style.getPropertyValue(value.slice(4, -1)).trim() : value;
    if (Array.isArray(value)) return value.map((item) => coloured(item, style));
    if (value && typeof value === "object") {
      for (const key of Object.keys(value)) value[key] = coloured(value[key], style);
    }
    return value;
  };

  // Plotly writes the page's whole address into its clips, which then break when the address changes with the choices.
  const localClips = (box) => {
    if (box._context) box._context._baseUrl = "";
    for (const part of box.querySelectorAll("[clip-path]")) {
      part.setAttribute("clip-path", part.getAttribute("clip-path").replace(/url\((['"]?)[^#'"]*#/, "url($1#"));
    }
  };

  // The figure library is large: the words are on the screen before it is read.
  let asked = false;
  const askForLibrary = () => {
    if (asked) return;
    asked = true;
    const script = Object.assign(document.createElement("script"), { src: window.greenLibrary });
    requestAnimationFrame(() => setTimeout(() => document.head.append(script), 0));
  };

  window.greenFigure = (element, props, trigger, watch) => {
    const box = element.querySelector(".green-figure");
    const draw = () => {
      if (!box.isConnected) return;
      if (!window.Plotly) {
        if (props.value) askForLibrary();
        return setTimeout(draw, 25);
      }
      const figure = props.value ? JSON.parse(props.value) : null;
      box.style.display = figure ? "" : "none";
      if (!figure) return;
      const { data, layout } = coloured(figure, getComputedStyle(root()));
      if (window.innerWidth < 640 && layout.meta && layout.meta.narrow) Object.assign(layout, layout.meta.narrow);
      box.style.height = (layout.height || 360) + "px";
      box.setAttribute("role", "img");
      box.setAttribute("aria-label", (layout.meta && layout.meta.alt) || "figure");
      window.Plotly.react(box, data, layout, { displayModeBar: false, responsive: true, doubleClick: "reset" });
      localClips(box);
      if (!box.dataset.hooked) {
        box.dataset.hooked = "yes";
        box.on("plotly_afterplot", () => localClips(box));
        box.on("plotly_click", (event) => {
          const id = event.points[0].customdata;
          if (typeof id === "string" && id) trigger("select", { value: id });
        });
        // a figure drawn in a hidden tab has no width until the tab is opened
        new ResizeObserver(() => box.clientWidth && window.Plotly.Plots.resize(box)).observe(box);
      }
    };
    draw();
    watch("value", draw);
    window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => setTimeout(draw, 100));
  };

  window.greenPicture = (id, name) => {
    const box = document.querySelector(`#${id} .green-figure`);
    if (box && window.Plotly) window.Plotly.downloadImage(box, { format: "png", scale: 2, width: 1000, height: 520, filename: name });
  };

  const copied = async (button) => {
    const source = button.dataset.address ? location.href : button.dataset.copy || document.querySelector(button.dataset.from)?.textContent || "";
    let done = true;
    try { await navigator.clipboard.writeText(source); } catch {
      const area = Object.assign(document.createElement("textarea"), { value: source });
      document.body.append(area); area.select(); done = document.execCommand("copy"); area.remove();
    }
    const before = button.textContent;
    button.textContent = done ? "Copied" : "Select and copy by hand";
    setTimeout(() => { button.textContent = before; }, 1500);
  };
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-copy],[data-from],[data-address]");
    if (button) copied(button);
    const picture = event.target.closest?.("[data-picture]");
    if (picture) window.greenPicture(picture.dataset.picture, picture.dataset.name);
  });

  // A link is shown when it is restored, not the page's first answer before it.
  const restoring = document.documentElement.classList;
  window.greenRestored = () => restoring.remove("green-restoring");
  if ([...new URLSearchParams(location.search).keys()].some((key) => !key.startsWith("__"))) {
    restoring.add("green-restoring");
    setTimeout(window.greenRestored, 15000);
  }

  window.greenAddress = (query) => {
    const kept = new URLSearchParams(location.search).get("__theme");
    const full = query + (kept ? (query ? "&" : "") + "__theme=" + kept : "");
    history.replaceState(null, "", full ? "?" + full : location.pathname);
  };
})();
