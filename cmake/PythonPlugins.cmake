# For developers: a dist-info folder beside each plugin that is pure Python, so that
# discovery finds it as if it were installed once plugins/<name> is on PYTHONPATH.
file(GLOB _projects CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/plugins/*/pyproject.toml)
foreach(_project ${_projects})
  get_filename_component(_folder ${_project} DIRECTORY)
  file(GLOB _manifests ${_folder}/flambeau_*/manifest.json)
  foreach(_manifest ${_manifests})
    get_filename_component(_package ${_manifest} DIRECTORY)
    get_filename_component(_package ${_package} NAME)
    file(READ ${_manifest} _json)
    string(JSON _name GET "${_json}" name)
    file(STRINGS ${_project} _version REGEX "^version = ")
    string(REGEX MATCH "[0-9][0-9.]*" _version "${_version}")
    set(_info ${_folder}/${_package}-${_version}.dist-info)
    string(REPLACE "_" "-" _distribution ${_package})
    file(WRITE ${_info}/METADATA "Metadata-Version: 2.1\nName: ${_distribution}\n"
                                 "Version: ${_version}\n")
    file(WRITE ${_info}/entry_points.txt
         "[flambeau.backends]\n${_name} = ${_package}\n")
  endforeach()
endforeach()
