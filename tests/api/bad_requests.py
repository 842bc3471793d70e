"""The table of bad requests, family by family."""

from tests.api import bad_addresses, bad_bodies, bad_sets, bad_uploads

FAMILIES = (
    bad_uploads.uploads,
    bad_uploads.documents,
    bad_uploads.lines,
    bad_uploads.descriptions_of_uploads,
    bad_bodies.bodies,
    bad_bodies.fields_of_document_sets,
    bad_bodies.fields_of_jobs,
    bad_bodies.prompts_of_jobs,
    bad_bodies.fields_of_teachers,
    bad_sets.labelled_sets,
    bad_sets.template_sets,
    bad_sets.evaluation_sets,
    bad_sets.trainings,
    bad_addresses.ids,
    bad_addresses.pages,
    bad_addresses.cursors,
    bad_addresses.searches,
    bad_addresses.states,
    bad_addresses.exports,
    bad_addresses.reviews,
    bad_addresses.http,
)
EVERY = [bad for family in FAMILIES for bad in family()]
