// Starts the studio.
import { render } from "preact";
import { App } from "./app";
import { startRouter } from "./router";
import "./style/base.css";
import "./style/controls.css";
import "./style/layout.css";
import "./style/pictures.css";
import "./style/report.css";

startRouter();
render(<App />, document.getElementById("app")!);
