// Comfort for the editor of insights; everything works without it.

// A slider beside the number of the threshold, and what it means in words.
for (const field of document.querySelectorAll("input[data-slider]")) {
    const slider = document.createElement("input");
    slider.type = "range";
    slider.className = "theta-slider";
    slider.min = field.min;
    slider.max = field.max;
    slider.step = field.step;
    slider.setAttribute("aria-label", "Threshold, by slider");
    const words = document.createElement("output");
    const usual = Number(field.dataset.theta);
    const tell = () => {
        const factor = 2 ** Number(field.value || 0);
        words.textContent = `Alarm at ${Number((usual * factor).toPrecision(3))} instead of ${usual}`;
        slider.setAttribute("aria-valuetext", words.textContent);
    };
    slider.value = field.value || 0;
    slider.addEventListener("input", () => {
        field.value = slider.value;
        tell();
    });
    field.addEventListener("input", () => {
        slider.value = field.value || 0;
        tell();
    });
    field.after(slider, words);
    tell();
}

// Touching a control of a kind means that kind.
for (const group of document.querySelectorAll("details.signal")) {
    const use = group.querySelector("input[type=checkbox][name^=use_]");
    group.addEventListener("input", (event) => {
        if (use && event.target !== use) use.checked = true;
    });
}
