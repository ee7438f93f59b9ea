// Sends the forms that carry files, with a progress bar. Without this script they are
// sent by the browser itself, and everything works but the bar.

"use strict";

function size(bytes) {
  return bytes < 1e6 ? Math.ceil(bytes / 1024) + " kB" : (bytes / 1048576).toFixed(1).replace(".0", "") + " MB";
}

// Says a reason at the field it is about, or at the end of the form.
function refuse(form, field, reason) {
  for (const wrong of form.querySelectorAll(".wrong")) wrong.classList.remove("wrong");
  for (const line of form.querySelectorAll(".reason")) line.textContent = "";
  const at = field && form.querySelector(`[data-field="${field}"]`);
  if (at) at.classList.add("wrong");
  if (reason) {
    const line = (at || form).querySelector(at ? ".reason" : "[data-reason]");
    line.textContent = reason;
    line.scrollIntoView({ block: "center" });
  }
}

// What the server would refuse after the upload can be said before it.
function tooLarge(form) {
  for (const input of form.querySelectorAll("input[type=file]")) {
    const file = input.files[0];
    if (file && file.size > Number(input.dataset.max)) {
      refuse(form, input.name, `This file is too large. It has ${size(file.size)}; at most ${size(input.dataset.max)} are allowed.`);
      return true;
    }
  }
  return false;
}

function send(form) {
  const request = new XMLHttpRequest();
  const progress = form.querySelector(".progress");
  const bar = progress.querySelector("progress");
  const said = progress.querySelector("output");
  const button = form.querySelector(".controls button");
  const end = (field, reason) => {
    progress.hidden = true;
    button.disabled = false;
    refuse(form, field, reason);
  };

  request.upload.onprogress = (event) => {
    bar.max = event.total;
    bar.value = event.loaded;
    said.value = event.loaded < event.total ? `${size(event.loaded)} of ${size(event.total)}` : "Storing …";
  };
  request.onload = () => {
    let answer = {};
    try {
      answer = JSON.parse(request.responseText);
    } catch (error) {
      // a page, from nginx or for an error of the server
    }
    if (answer.location) location.assign(answer.location);
    else if (answer.reason) end(answer.field, answer.reason);
    else if (request.status === 413) end(null, "All files of the form together are too large.");
    else end(null, "The server could not store this. Nothing was changed.");
  };
  request.onerror = () => end(null, "The connection was lost. Nothing was changed.");
  request.onabort = () => end(null, "");
  progress.querySelector("[data-cancel]").onclick = () => request.abort();

  refuse(form, null, "");
  progress.hidden = false;
  button.disabled = true;
  request.open("POST", form.action);
  request.setRequestHeader("Accept", "application/json");
  request.send(new FormData(form));
}

for (const form of document.querySelectorAll("form[data-upload]")) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (!tooLarge(form)) send(form);
  });
}

// A picture that was chosen is shown before it is sent.
for (const input of document.querySelectorAll("input[type=file]")) {
  input.addEventListener("change", () => {
    const old = input.parentElement.querySelector(".preview");
    if (old) {
      URL.revokeObjectURL(old.src);
      old.remove();
    }
    refuse(input.form, null, "");
    if (input.files[0] && input.files[0].type.startsWith("image/")) {
      const preview = new Image();
      preview.className = "preview";
      preview.alt = "";
      preview.src = URL.createObjectURL(input.files[0]);
      input.after(preview);
    }
  });
}
