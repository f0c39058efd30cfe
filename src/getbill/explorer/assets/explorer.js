"use strict";

// Starts Swagger UI on this installation's own document. A key that was entered stays in this tab only.
const FIRST = "Debts";
const explorer = SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  displayRequestDuration: true,
  docExpansion: "none",
  defaultModelsExpandDepth: -1,
  persistAuthorization: false,
  validatorUrl: null,
  // Every group is folded but the one that people come for, unless a link leads elsewhere.
  onComplete: () => {
    if (!window.location.hash) explorer.layoutActions.show(["operations-tag", FIRST], true);
  },
});
